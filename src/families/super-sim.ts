/** Connections of Super SIMs: about devices. Twilio no longer sends them. Pure data. */
import * as z from 'zod'
import { defineFamily, upTo } from './family.ts'
import { optionals } from './fields.ts'
import { optIn } from './rules.ts'

export const superSim = defineFamily({
  schema: 'SuperSim.ConnectionEvent',
  group: 'Super SIM',
  description: 'A Super SIM attached to a network, or used data',
  prefix: 'com.twilio.iot.supersim.connection.',
  types: {
    'attachment.accepted': 'SIM Attached',
    'attachment.rejected': 'SIM Attachment Rejected',
    'attachment.failed': 'SIM Attachment Failed',
    'data-session.started': 'SIM Data Session Started',
    'data-session.updated': 'SIM Data Session Updated',
    'data-session.ended': 'SIM Data Session Ended',
    'data-session.failed': 'SIM Data Session Failed',
  },
  versions: () =>
    upTo(
      2,
      z.looseObject({
        ...optionals('text', {
          event_sid: 'SID of the event',
          event_type: 'The event type once more',
          account_sid: 'SID of the account',
          sim_sid: 'SID of the SIM',
          fleet_sid: 'SID of the fleet',
          sim_iccid: 'ICCID of the SIM',
          sim_unique_name: 'Unique name of the SIM',
          timestamp: 'Time of the event, ISO 8601',
          rat_type: 'Kind of the radio network',
          imei: 'IMEI of the device',
          imsi: 'IMSI of the SIM',
          data_session_sid: 'SID of the data session',
          ip_address: 'IP address of the device',
        }),
        ...optionals('object', {
          network: 'The network',
          location: 'The cell',
          apn: 'The access point',
          error: 'What failed',
        }),
        ...optionals('integer', {
          data_upload: 'Bytes sent',
          data_download: 'Bytes received',
          data_total: 'Bytes in all',
        }),
      }),
    ),
  time: ['timestamp'],
  resource: ['sim_sid'],
  personal: {
    device: ['imei', 'imsi', 'sim_iccid', 'sim_unique_name'],
    network: ['ip_address'],
    place: ['location'],
  },
  subscribe: optIn('about a device, and Twilio no longer sends it'),
})

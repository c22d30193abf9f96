/** A corner of Twilio's list of event types, written down from its documentation and not from src/families. */
export type CatalogueEntry = {
  readonly type: string
  readonly schema: string
  readonly latest: number
  readonly status: 'available' | 'deprecated' | 'restricted' | 'discontinued'
}

const status = { schema: 'Messaging.MessageStatus', latest: 8 } as const

export const catalogue: readonly CatalogueEntry[] = [
  ...['queued', 'sent', 'delivered', 'failed', 'undelivered', 'read'].map(name => ({
    type: `com.twilio.messaging.message.${name}`,
    ...status,
    status: 'available' as const,
  })),
  {
    type: 'com.twilio.messaging.inbound-message.received',
    schema: 'Messaging.InboundMessageV1',
    latest: 6,
    status: 'available',
  },
  {
    type: 'com.twilio.error-logs.error.logged',
    schema: 'ErrorLogs.Error',
    latest: 2,
    status: 'available',
  },
  {
    type: 'com.twilio.daptbt.link-shortening.link-clicked',
    schema: 'DapTbt.LinkClicked',
    latest: 3,
    status: 'available',
  },
  ...['reservation.created', 'task.created', 'worker.created'].map(name => ({
    type: `com.twilio.taskrouter.${name}`,
    schema: 'TaskRouter.WDSEvent',
    latest: 4,
    status: 'available' as const,
  })),
  {
    type: 'com.twilio.engagement-intelligence.transcript.finished',
    schema: 'EngagementIntelligence.Transcript',
    latest: 1,
    status: 'restricted',
  },
]

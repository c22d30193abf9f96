/**
 * Registration of brands, campaigns and numbers for A2P 10DLC: about the account, not about customers. `phonenumber` is the
 * business's own. Where the name of a schema is not known, the type stands with the schema of its like. Pure data.
 */
import * as z from 'zod'
import { defineFamily, type Family, upTo } from './family.ts'
import { optional, optionals } from './fields.ts'
import { optIn } from './rules.ts'

const PREFIX = 'com.twilio.messaging.compliance.'
const account = optIn('about the registration of the account, not about a customer')

const dates = {
  createddate: 'When it was created, ms since 1970',
  updateddate: 'When it was updated, ms since 1970',
}
const brandFields = () => ({
  ...optionals('text', {
    accountsid: 'SID of the account',
    brandsid: 'SID of the brand (BN…)',
    brandstatus: 'Status of the brand',
    identitystatus: 'Status of its identity',
    externalbrandid: 'Id of the brand at the registry',
    brandvettingoutcome: 'Outcome of the vetting',
  }),
  ...optionals('integer', {
    ...dates,
    brandscore: 'Score of the brand',
    vettingscore: 'Score of the vetting',
  }),
  ...optionals('list', { brandregistrationerrors: 'What was wrong' }),
  brandfeedback: optional('text', 'What the registry said'),
})
const campaignFields = () => ({
  ...optionals('text', {
    accountsid: 'SID of the account',
    brandsid: 'SID of the brand (BN…)',
    campaignsid: 'SID of the campaign (CM…)',
    messagingservicesid: 'SID of the messaging service',
    externalcampaignid: 'Id of the campaign at the registry',
    a2pusecase: 'What it is for',
    campaignregistrationstatus: 'Status of the registration',
  }),
  ...optionals('integer', {
    ...dates,
    timestamp: 'Time of the event, ms since 1970',
    errorcode: "Twilio's error code",
  }),
})
const numberFields = () => ({
  ...optionals('text', {
    accountsid: 'SID of the account',
    id: 'Id of the registration',
    campaignsid: 'SID of the campaign (CM…)',
    externalstatus: 'Status at the registry',
    phonenumbersid: 'SID of the number (PN…)',
    phonenumber: "The business's own number, digits alone",
    messagingservicesid: 'SID of the messaging service',
    failureReason: 'Why it failed',
  }),
  ...optionals('integer', { ...dates, timestamp: 'Time of the event, ms since 1970' }),
})

type Fields = () => z.core.$ZodLooseShape

function define(
  schema: string,
  newest: number,
  types: Readonly<Record<string, string>>,
  fields: Fields,
  resource: readonly string[],
): Family {
  return defineFamily({
    schema: `A2P.${schema}`,
    group: 'A2P',
    description: 'A registration for A2P messaging changed its status',
    prefix: PREFIX,
    types,
    versions: () => upTo(newest, z.looseObject(fields())),
    time: ['timestamp', 'updateddate', 'createddate'],
    resource,
    personal: { address: ['phonenumber'] },
    subscribe: account,
  })
}

const brand = (schema: string, newest: number, types: Readonly<Record<string, string>>) =>
  define(schema, newest, prefixed('brand-registration', types), brandFields, ['brandsid'])
const campaign = (schema: string, newest: number, types: Readonly<Record<string, string>>) =>
  define(schema, newest, prefixed('campaign-registration', types), campaignFields, [
    'campaignsid',
    'brandsid',
  ])
const number = (schema: string, types: Readonly<Record<string, string>>) =>
  define(schema, 2, types, numberFields, ['phonenumbersid', 'campaignsid'])

function prefixed(group: string, types: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(types).map(([type, name]) => [`${group}.${type}`, name]))
}

export const a2p: readonly Family[] = [
  brand('BrandRegistered', 2, {
    'brand-registered': 'Brand Registered',
    'brand-verified': 'Brand Verified',
    'brand-secondary-vetting-failure': 'Brand Secondary Vetting Failed',
    'sharing-created': 'Brand Sharing Created',
    'sharing-deleted': 'Brand Sharing Deleted',
    'email-2fa-sent': 'Brand Contact E-mail Sent',
    'email-2fa-opened': 'Brand Contact E-mail Opened',
    'email-2fa-completed': 'Brand Contact E-mail Confirmed',
    'email-2fa-timeout': 'Brand Contact E-mail Timed Out',
  }),
  brand('BrandRegistrationFailure', 3, { 'brand-failure': 'Brand Registration Failed' }),
  brand('BrandRegistrationUnverified', 2, { 'brand-unverified': 'Brand Unverified' }),
  brand('BrandRegistrationVettedVerified', 2, { 'brand-vetted-verified': 'Brand Vetted' }),
  brand('BrandRegistrationEmail2FAClicked', 2, { 'email-2fa-clicked': 'Brand Contact E-mail Clicked' }),
  brand('BrandRegistrationInvalidContactEmail', 2, {
    'invalid-contact-email': 'Brand Contact E-mail Invalid',
  }),
  campaign('CampaignRegistrationSubmitted', 2, {
    'campaign-submitted': 'Campaign Submitted',
    'campaign-deleted': 'Campaign Deleted',
  }),
  campaign('CampaignRegistrationApproved', 2, { 'campaign-approved': 'Campaign Approved' }),
  campaign('CampaignRegistrationFailure', 2, { 'campaign-failure': 'Campaign Registration Failed' }),
  campaign('SuspendedCampaignRegistrationDeleteSubmitted', 1, {
    'suspended-campaign-delete-submitted': 'Suspended Campaign Deletion Submitted',
  }),
  number('NumberRegistrationSuccessful', {
    'number-registration.pending': 'Number Registration Pending',
    'number-registration.successful': 'Number Registered',
    'number-registration.failed': 'Number Registration Failed',
  }),
  number('NumberDeregistrationFailed', {
    'number-deregistration.pending': 'Number Deregistration Pending',
    'number-deregistration.successful': 'Number Deregistered',
    'number-deregistration.failed': 'Number Deregistration Failed',
  }),
  define(
    'ResourceCleanup',
    1,
    {
      'a2p-resource-cleanup-started': 'A2P Cleanup Started',
      'a2p-resource-cleanup-finished': 'A2P Cleanup Finished',
    },
    () => optionals('text', { accountsid: 'SID of the account' }),
    ['brandsid', 'campaignsid'],
  ),
]

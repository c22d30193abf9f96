/** Verification of toll-free numbers: about the account, not about customers. Pure data. */
import * as z from 'zod'
import { defineFamily, type Family, upTo } from './family.ts'
import { optionals } from './fields.ts'
import { optIn } from './rules.ts'

const define = (type: string, schema: string, name: string): Family =>
  defineFamily({
    schema: `TollFree.${schema}`,
    group: 'Toll-free',
    description: 'The verification of a toll-free number changed its status',
    prefix: 'com.twilio.messaging.compliance.toll-free-verification.',
    types: { [type]: name },
    versions: () =>
      upTo(
        2,
        z.looseObject({
          ...optionals('text', {
            accountsid: 'SID of the account',
            parentaccountsid: 'SID of the parent account',
            tollfreeverificationsid: 'SID of the verification (HH…)',
            phonenumbersid: 'SID of the number (PN…)',
            customerprofilesid: 'SID of the customer profile',
            regulateditemsid: 'SID of the regulated item',
            trustproductsid: 'SID of the trust product',
            verificationstatus: 'Status of the verification',
          }),
          ...optionals('integer', { processeddate: 'When it was processed, ms since 1970' }),
        }),
      ),
    time: ['processeddate', 'timestamp', 'updateddate', 'createddate'],
    resource: ['tollfreeverificationsid', 'phonenumbersid'],
    subscribe: optIn('about the registration of the account, not about a customer'),
  })

export const tollFree: readonly Family[] = [
  define('requested', 'VerificationRequested', 'Toll-free Verification Requested'),
  define('pending-review', 'VerificationPendingReview', 'Toll-free Verification Pending'),
  define('request-approved', 'VerificationRequestApproved', 'Toll-free Verification Approved'),
  define('rejected', 'VerificationRejected', 'Toll-free Verification Rejected'),
  define('edit', 'VerificationEdit', 'Toll-free Verification Edited'),
  define('expired', 'VerificationExpired', 'Toll-free Verification Expired'),
  define('failure', 'VerificationFailure', 'Toll-free Verification Failed'),
  define('deleted', 'VerificationDeleted', 'Toll-free Verification Deleted'),
]

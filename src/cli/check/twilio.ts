/** Twilio's side: the API, and what it knows of this bridge's sink. Needs credentials; without them it says so. */
import type { Settings } from '../../config.ts'
import type { Connect } from '../sink/api.ts'
import { TwilioStop } from '../sink/errors.ts'
import { readStatus } from '../sink/status.ts'
import { toCredentials, toDestination } from '../twilio-credentials.ts'
import { type Finding, note, ok, wrong } from './result.ts'

export async function checkTwilio(settings: Settings, connectTo: Connect): Promise<Finding[]> {
  const credentials = toCredentials(settings)
  if ('missing' in credentials) {
    return [note('Twilio', `sink not checked: ${credentials.missing}`, 'Set it to check the sink as well.')]
  }
  try {
    const api = await connectTo(credentials)
    const destination = toDestination(settings)
    if (destination === undefined) {
      const sinks = await api.sinks()
      return [ok('Twilio', `the API answers; the account has ${sinks.length} sinks`)]
    }
    const { findings } = await readStatus(api, destination, settings.SINK_SID)
    return [ok('Twilio', 'the API answers'), ...findings]
  } catch (error) {
    if (!(error instanceof TwilioStop)) throw error
    return [wrong('Twilio', error.fault, error.remedy)]
  }
}

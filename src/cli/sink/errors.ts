/** What an API of Twilio's, or the way there, refused → one sentence and what to do about it. Pure. */
import * as z from 'zod'
import { CliError } from '../terminal.ts'

/** By Twilio's own error code: the same texts for all who meet it. */
const remedies: Readonly<Record<number, string>> = {
  20003:
    'Check TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN (of several the first counts), or TWILIO_API_KEY with TWILIO_API_SECRET: Twilio Console → Account Info.',
  20404:
    'Run "npx twilio-segment-bridge sink status": it may have been deleted meanwhile, or belong to another account.',
  20409: 'The account may not subscribe to this type: leave it out with --types, or ask Twilio for access.',
  20429: 'Wait a moment and run it again.',
  91000:
    'Check that PUBLIC_URL is a public https URL with a certificate of a public authority, then run it again.',
  91001:
    'Run "npx twilio-segment-bridge sink status": it may have been deleted meanwhile, or belong to another account.',
  91003:
    'Twilio allows 100 sinks an account: delete those that are not in use ("npx twilio-segment-bridge sink status" lists them).',
  91004: 'Send the test again: "npx twilio-segment-bridge sink test".',
  91005: 'Send the test again: "npx twilio-segment-bridge sink test".',
  91006: 'A sink SID is DG and 32 hex digits.',
  91007: 'Delete its subscription first; "npx twilio-segment-bridge sink delete" does both.',
  91100:
    'The sink must be active and have no other subscription: run "npx twilio-segment-bridge sink status".',
  91101:
    'Run "npx twilio-segment-bridge sink status": one of the types may be subscribed already, or not in the pinned version.',
  91102: 'Run "npx twilio-segment-bridge sink status": it may have been deleted meanwhile.',
  91103: 'Name at least one type with --types, or leave the option out.',
  91104: "Look the type up in Twilio's list of event types, or leave it out with --types.",
  91201: "Read Twilio's sentence; if it makes no sense, report it with this message.",
  91202: 'Run "npx twilio-segment-bridge sink status": it may have been deleted meanwhile.',
  91203: 'Report it with this message: the bridge asked for something the API does not know.',
}

const byStatus: Readonly<Record<number, string>> = {
  401: remedies[20003] ?? '',
  403: 'The API key may be restricted: grant it the Event Streams permissions, or use the auth token.',
  404: remedies[20404] ?? '',
  429: remedies[20429] ?? '',
}

const byNetwork: Readonly<Record<string, string>> = {
  ENOTFOUND: 'Check DNS on this machine.',
  EAI_AGAIN: 'Check DNS on this machine.',
  ECONNREFUSED: 'Check the firewall, and HTTP_PROXY if you set it.',
  ECONNABORTED: 'It did not answer in time: check the network and run it again.',
  ETIMEDOUT: 'Check the firewall, and run it again.',
  ECONNRESET: 'Run it again; if it goes on, check the firewall.',
}

const ApiError = z.looseObject({
  status: z.number(),
  code: z.number().optional(),
  message: z.string().optional(),
  detail: z.string().optional(),
})
const NetworkError = z.looseObject({ code: z.string(), message: z.string() })

/**
 * `what` follows "Twilio did not …". An error that is neither Twilio's nor the network's is a bug and stays one. `own`: remedies of
 * another API, by Twilio's code or by status; they come first.
 */
export function toStop(what: string, error: unknown, own: Readonly<Record<number, string>> = {}): unknown {
  const api = ApiError.safeParse(error)
  if (api.success) {
    const { status, code, message, detail } = api.data
    const said = [code ? `error ${code}` : `HTTP ${status}`, detail ?? message].filter(Boolean).join(': ')
    const server = 'Run it again later; see status.twilio.com.'
    const known = (code && (own[code] ?? remedies[code])) || (own[status] ?? byStatus[status])
    const remedy = known || (status >= 500 ? server : remedies[91201])
    return new TwilioStop(`Twilio did not ${what} (${said.replace(/\.$/, '')})`, remedy ?? '', code)
  }
  const network = NetworkError.safeParse(error)
  if (!network.success || !(network.data.code in byNetwork || 'isAxiosError' in network.data)) return error
  const { code, message } = network.data
  const remedy = byNetwork[code] ?? 'Check the network of this machine.'
  return new TwilioStop(`Twilio cannot be reached to ${what} (${message || code})`, remedy, undefined)
}

export class TwilioStop extends CliError {
  readonly fault: string
  readonly remedy: string
  /** Twilio's error code, when it was Twilio that refused. */
  readonly code: number | undefined

  constructor(fault: string, remedy: string, code: number | undefined) {
    super(`${fault}. ${remedy}`)
    this.fault = fault
    this.remedy = remedy
    this.code = code
  }
}

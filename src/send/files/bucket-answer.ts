/** What S3-compatible storage answered to a PUT → what became of the file, in words without secrets. */
import type { DeliveryReason } from '../../reasons.ts'
import { toWaitMs } from '../retry.ts'
import type { Put } from './store.ts'

/** The codes of S3's error document that say more than the status. */
const reasonsByCode: ReadonlyMap<string, DeliveryReason> = new Map([
  ['RequestTimeTooSkewed', 'bucket_clock_wrong'],
  ['AuthorizationHeaderMalformed', 'bucket_region_wrong'],
  ['IllegalLocationConstraintException', 'bucket_region_wrong'],
  ['PermanentRedirect', 'bucket_region_wrong'],
  ['TemporaryRedirect', 'bucket_region_wrong'],
  ['ExpiredToken', 'bucket_unauthorized'],
  ['InvalidToken', 'bucket_unauthorized'],
  ['NoSuchBucket', 'bucket_missing'],
  ['SlowDown', 'bucket_throttled'],
  ['RequestTimeout', 'bucket_timeout'],
])

const HEADERS = ['x-amz-request-id', 'x-amz-bucket-region', 'retry-after', 'date', 'server']
const HEADER_CHARACTERS = 200
const ANSWER_CHARACTERS = 300
const ANSWER_READ_BYTES = 16 * 1_024

export async function toOutcome(response: Response, secrets: readonly string[], now: number): Promise<Put> {
  const { status, headers } = response
  const body = await readBeginning(response)
  // Storage names what it has stored. Any web server says 200, a login page for one.
  if (response.ok && headers.has('etag')) return { kind: 'stored', status }
  const hide = (text: string) =>
    secrets.reduce((rest, secret) => (secret === '' ? rest : rest.replaceAll(secret, '***')), text)
  const shown = Object.fromEntries(
    HEADERS.flatMap(name => {
      const value = headers.get(name)
      return value === null ? [] : [[name, hide(printable(value)).slice(0, HEADER_CHARACTERS)]]
    }),
  )
  const answer = hide(toAnswer(body)).slice(0, ANSWER_CHARACTERS)
  const reason = reasonsByCode.get(codeOf(body)) ?? toReason(status)
  return { kind: 'failed', reason, status, answer, headers: shown, waitToldMs: toWaitMs(headers, now) }
}

function toReason(status: number): DeliveryReason {
  if (status === 401 || status === 403) return 'bucket_unauthorized'
  if (status === 404) return 'bucket_missing'
  if (status >= 300 && status < 400) return 'bucket_region_wrong'
  if (status === 408) return 'bucket_timeout'
  if (status === 429) return 'bucket_throttled'
  if (status === 409 || status >= 500) return 'bucket_failing'
  return 'bucket_misrouted'
}

const fieldOf = (body: string, name: string) => new RegExp(`<${name}>([^<]{1,300})</${name}>`).exec(body)?.[1]
const codeOf = (body: string) => fieldOf(body, 'Code') ?? ''

/** Of an error document only what says what is wrong: the rest of it quotes the request, its key and what it signed. */
function toAnswer(body: string): string {
  const found = ['Code', 'Message', 'Region', 'Endpoint'].map(name => fieldOf(body, name))
  const told = found.filter(text => text !== undefined).join(': ')
  return printable(told || (body.includes('<Error') ? '' : body))
}

function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cs}]+/gu, ' ').trim()
}

/** What is left of it costs its connection. */
async function readBeginning({ body }: Response): Promise<string> {
  if (body === null) return ''
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  try {
    for (let read = 0; read < ANSWER_READ_BYTES; ) {
      const { done, value } = await reader.read()
      if (done) return text
      read += value.length
      text += decoder.decode(value, { stream: true })
    }
    await reader.cancel()
  } catch {
    // The status has been seen, and it decides.
  }
  return text
}

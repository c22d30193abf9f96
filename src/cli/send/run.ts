/** What `send` does, and all that it says. */
import type { Settings } from '../../config.ts'
import { withoutUserinfo } from '../../ingest/url-candidates.ts'
import { parse } from '../admin-client.ts'
import { CliError, type ExitCode, type Terminal } from '../terminal.ts'
import { toSettings } from '../twilio-credentials.ts'
import { createFeed } from './event-generator.ts'
import { MAX_IN_FLIGHT, runLoad } from './load.ts'
import { type Answer, type Manners, post, type Target } from './post.ts'
import { NO_ACCOUNT, type Sample, toSample } from './samples.ts'
import { createTally, number, type Tally, toTable } from './tally.ts'
import { type TargetOptions, toTarget } from './target.ts'
import { toTypes } from './types.ts'

export type SendOptions = TargetOptions & {
  readonly count: number
  readonly schemaVersion?: number
  readonly customer?: string
  readonly print?: boolean
  readonly rate?: number
  readonly for?: number
  readonly batch: number
  readonly duplicates: number
  readonly outOfOrder?: boolean
  readonly retryFor?: number
  readonly json?: boolean
}

const DELIVERED = 'com.twilio.messaging.message.delivered'
export const RATE = 10
const FOR_MS = 10_000
/** A person waits for a sample, nobody for a load. */
const RETRY_SAMPLES_MS = 10_000
const TELL_MS = 250
const TELL_PLAINLY_MS = 10_000

export function createSend(terminal: Terminal, manners: Manners) {
  async function send(typed: readonly string[], options: SendOptions): Promise<ExitCode> {
    const chosen = toTypes(typed)
    if (!chosen.ok) throw new CliError(chosen.fault, 2)
    const { types } = chosen
    const settings = toSettings(terminal.environment())
    const isLoad = options.rate !== undefined || options.for !== undefined
    if (options.print) {
      for (const event of toSamples(types, settings, options)) terminal.out(JSON.stringify(event))
      return 0
    }
    const target = toTarget(settings, options, isLoad)
    terminal.say(
      `Sending to ${withoutUserinfo(target.url)}, ${target.key ? `signed for ${withoutUserinfo(target.signedFor)}` : 'unsigned: no TWILIO_AUTH_TOKEN and no TWILIO_SHARED_KEYS'}.`,
    )
    const tally = createTally(() => performance.now(), Math.random)
    const stop = terminal.interrupted()
    const told = tellProgress(tally, isLoad)
    try {
      if (isLoad) await load(types, settings, options, target, tally, stop)
      else await sendSamples(toSamples(types, settings, options), options, target, tally, stop)
    } finally {
      clearInterval(told)
    }
    const summary = tally.summary()
    if (options.json) terminal.out(JSON.stringify(summary))
    else for (const row of toTable(summary)) terminal.out(row)
    return summary.acknowledged === summary.sent && !stop.aborted ? 0 : 1
  }

  async function sendSamples(
    samples: readonly Sample[],
    options: SendOptions,
    target: Target,
    tally: Tally,
    stop: AbortSignal,
  ): Promise<void> {
    const patience = { ...manners, retryForMs: options.retryFor ?? RETRY_SAMPLES_MS }
    for (const event of samples) {
      if (stop.aborted) return
      tally.sent(1, 0)
      const posted = await post(target, JSON.stringify([event]), patience, stop, tellAnswer(tally))
      tally.settled(1, posted)
      terminal.say(`${posted.last.status ?? 'no answer'}  ${event.id}  ${event.type}`)
    }
  }

  async function load(
    types: readonly string[],
    settings: Settings,
    options: SendOptions,
    target: Target,
    tally: Tally,
    stop: AbortSignal,
  ): Promise<void> {
    const {
      rate = RATE,
      for: forMs = FOR_MS,
      batch,
      duplicates,
      outOfOrder = false,
      schemaVersion,
      customer,
    } = options
    const feed = createFeed({
      types,
      version: schemaVersion,
      customer,
      accountSid: settings.TWILIO_ACCOUNT_SID,
      duplicates,
      isOutOfOrder: outOfOrder,
      random: Math.random,
      now: Date.now,
    })
    const patience = { ...manners, retryForMs: options.retryFor ?? manners.retryForMs }
    const { isBehind } = await runLoad(
      { target, feed, rate, forMs, batch, manners: patience },
      tally,
      stop,
      tellAnswer(tally),
    )
    if (isBehind) {
      terminal.say(`Slower than requested: ${MAX_IN_FLIGHT} requests were open at once, which is the limit.`)
    }
  }

  /** The first of its kind is told: what the bridge has to say about it says what to do. */
  function tellAnswer(tally: Tally): (answer: Answer) => void {
    return answer => {
      if (!tally.answered(answer) || answer.status === 200) return
      terminal.say(`  ${answer.status ?? 'no answer'}: ${toReason(answer.text)}`)
    }
  }

  function tellProgress(tally: Tally, isLoad: boolean): NodeJS.Timeout | undefined {
    if (!isLoad) return undefined
    const line = () => {
      const { sent, acknowledged, waiting, lost, retries, seconds } = tally.counts()
      return `${Math.round(seconds)} s: sent ${number(sent)}, acknowledged ${number(acknowledged)}, lost ${number(lost)}, waiting ${number(waiting)}, retries ${number(retries)}`
    }
    if (terminal.showsProgress) return setInterval(() => terminal.progress(line()), TELL_MS)
    return setInterval(() => terminal.say(line()), TELL_PLAINLY_MS)
  }

  return send
}

function toSamples(types: readonly string[], settings: Settings, options: SendOptions): Sample[] {
  const about = {
    version: options.schemaVersion,
    customer: options.customer,
    accountSid: settings.TWILIO_ACCOUNT_SID ?? NO_ACCOUNT,
  }
  return (types.length > 0 ? types : [DELIVERED]).flatMap(type =>
    Array.from({ length: options.count }, () => toSample(type, about)),
  )
}

function toReason(text: string): string {
  const answer = parse(text)
  if (typeof answer !== 'object' || answer === null || !('error' in answer))
    return text.slice(0, 200) || '(empty)'
  const {
    error,
    message,
    remedy,
    detail,
  }: { error: unknown; message?: unknown; remedy?: unknown; detail?: unknown } = answer
  return `${error}: ${[message, detail, remedy].filter(Boolean).join('. ')}`
}

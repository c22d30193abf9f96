/**
 * Does the outbox's file hold what SQLite wrote? Known from three sides: what contradicts itself at the start, what a check of
 * all pages finds beside the traffic (in a process of its own, which can be ended at any moment), and what SQLite throws.
 *
 *   doubt ─ the pages are checked ─▶ sound: it goes on
 *                                 └▶ damaged: for good, until a start finds it mended
 */
import { spawn } from 'node:child_process'
import { extname } from 'node:path'
import { isDamage, isReadFault } from '../../outbox/sqlite-errors.ts'
import { reasons } from '../../reasons.ts'
import type { Log } from '../../runtime.ts'

/** What a check of all pages says. `unknown`: it could not be done. */
export type Verdict =
  | { readonly is: 'sound' }
  | { readonly is: 'damaged'; readonly detail: string }
  | { readonly is: 'unknown'; readonly detail: string }

/** `done` settles with a verdict whatever happens; `stop` ends the check. */
export type Check = { readonly done: Promise<Verdict>; stop(): void }

export type Damage = {
  /** What is wrong or may be, in a sentence: then the outbox takes and delivers nothing. */
  current(): string | undefined
  /** It is known, and no doubt. */
  isFound(): boolean
  found(detail: string): void
  /** Until all pages are checked. */
  doubted(detail: string): void
  /** Each error that SQLite throws. */
  thrown(error: unknown): void
  verify(): void
  /** Ends a check that is under way, and settles once its process is gone. */
  stop(): Promise<void>
}

type Parts = {
  readonly log: Log
  readonly check: () => Check
  /** Once, when the file is known to be damaged. */
  readonly onFound: () => void
  readonly retryMs?: number
}

/** A disk that gave no answer is asked again. */
const RETRY_MS = 30_000

export function createDamage({ log, check, onFound, retryMs = RETRY_MS }: Parts): Damage {
  let damage: string | undefined
  let doubt: string | undefined
  let running: Check | undefined
  let retry: NodeJS.Timeout | undefined
  let isStopped = false

  function found(detail: string): void {
    if (damage !== undefined) return
    damage = detail
    log.error(
      { reason: 'outbox_damaged', detail, remedy: reasons.outbox_damaged.remedy },
      'the outbox is damaged',
    )
    onFound()
  }

  function doubted(detail: string): void {
    if (doubt !== undefined || damage !== undefined) return
    doubt = detail
    log.error({ reason: 'outbox_damaged', detail }, 'the outbox may be damaged: its pages are being checked')
    verify()
  }

  function verify(): void {
    if (running || damage !== undefined || isStopped) return
    running = check()
    void running.done.then(verdict => {
      running = undefined
      if (isStopped) return
      if (verdict.is === 'damaged') return found(verdict.detail)
      if (verdict.is === 'unknown') {
        log.warn(
          { detail: verdict.detail },
          'the pages of the outbox could not be checked; this is tried again',
        )
        retry = setTimeout(verify, retryMs).unref()
        return
      }
      if (doubt !== undefined) log.warn({ detail: doubt }, 'every page of the outbox is sound: it goes on')
      doubt = undefined
    })
  }

  return {
    current: () => damage ?? doubt,
    isFound: () => damage !== undefined,
    found,
    doubted,
    verify,
    thrown(error) {
      const detail = error instanceof Error ? error.message : String(error)
      if (isDamage(error)) found(detail)
      else if (isReadFault(error)) doubted(detail)
    },
    async stop() {
      isStopped = true
      clearTimeout(retry)
      running?.stop()
      await running?.done
    },
  }
}

/** Slow for a large file, and it cannot be interrupted in a thread: hence a process. */
export function checkPages(file: string): Check {
  const script = new URL(`./check-pages${extname(new URL(import.meta.url).pathname)}`, import.meta.url)
  // Node 22 calls node:sqlite experimental.
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script.pathname, file], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  child.unref()
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  const done = new Promise<Verdict>(resolve => {
    child.once('error', error => resolve({ is: 'unknown', detail: error.message }))
    child.once('close', code => {
      const detail = text.trim()
      if (code === 0) resolve({ is: 'sound' })
      else if (code === DAMAGED) resolve({ is: 'damaged', detail })
      else resolve({ is: 'unknown', detail: detail || `the check ended with ${code}` })
    })
  })
  return { done, stop: () => void child.kill('SIGKILL') }
}

/** The exit code of check-pages.ts when it found damage; what it found is its output. */
export const DAMAGED = 3

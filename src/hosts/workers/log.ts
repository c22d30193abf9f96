/** Structured logs for Workers Logs: one JSON line an incident. */

import { toLogFields } from '../../alerts/redact.ts'
import type { Settings } from '../../config.ts'
import type { Log } from '../../runtime.ts'

const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const
const SPARING_MS = 60_000

export function createLog(least: Settings['LOG_LEVEL']): Log {
  const write = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: object, message: string) => {
    if (levels.indexOf(level) >= levels.indexOf(least))
      console[level](JSON.stringify({ level, msg: message, ...toLogFields(fields) }))
  }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}

/** Says the same thing once a minute at most, for what may go wrong with every request. */
export function createSparingWarn(log: Log): Log['warn'] {
  const saidAt = new Map<string, number>()
  return (fields, message) => {
    const now = Date.now()
    if (Math.abs(now - (saidAt.get(message) ?? Number.NEGATIVE_INFINITY)) < SPARING_MS) return
    saidAt.set(message, now)
    log.warn(fields, message)
  }
}

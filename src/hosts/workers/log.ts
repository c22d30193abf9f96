/** Structured logs for Workers Logs: one JSON line an incident. */
import type { Settings } from '../../config.ts'
import type { Log } from '../../ports.ts'

const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const

export function createLog(least: Settings['LOG_LEVEL']): Log {
  const write = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: object, message: string) => {
    if (levels.indexOf(level) >= levels.indexOf(least))
      console[level](JSON.stringify({ level, msg: message, ...fields }))
  }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}

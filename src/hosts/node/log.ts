/** Structured logs on stderr (stdout is for data): one line an incident, none an event at the default level. */
import pino from 'pino'
import { toLogFields } from '../../alerts/redact.ts'
import type { Settings } from '../../config.ts'
import { toVisible } from '../../event/visible.ts'
import type { Log } from '../../runtime.ts'

export function createLog(level: Settings['LOG_LEVEL']): Log {
  const stderr = pino.destination({ fd: 2, sync: true })
  // It may be a file on a disk that is full: what cannot be logged must not end the process.
  stderr.on('error', () => undefined)
  const formatters = { log: toLogFields }
  const visible = { write: (line: string) => void stderr.write(toVisible(line)) }
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters }, visible)
}

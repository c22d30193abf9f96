/** What is said of a request whose row cannot be read. Pure. */
import type { ValidationError } from '../../event/validation-errors.ts'

/** As the faults of a rejected event. */
export function toFaults(cause: string): string {
  const fault: ValidationError = {
    path: '$',
    expected: 'the bytes as they were stored',
    received: `damage: ${cause}`,
  }
  return JSON.stringify([fault])
}

/** As notices name it. */
export function toName(request: number, cause: string): string {
  return `request ${request}: ${cause}`
}

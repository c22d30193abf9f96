/**
 * Several readings of an outbox for one answer: where a page of the file cannot be read, the answer has what the others say,
 * and names what is missing.
 */
import { toStorageReason } from '../outbox/sqlite-errors.ts'

export type Readings = {
  /** What `read` gives, or `otherwise` when the storage fails; then `name` is among the unreadable. */
  take<Value, Other>(name: string, read: () => Value, otherwise: Other): Value | Other
  readonly unreadable: readonly string[]
}

/** `before`: what is known to be unreadable. */
export function createReadings(before: readonly string[] = []): Readings {
  const unreadable = [...before]
  return {
    unreadable,
    take(name, read, otherwise) {
      try {
        return read()
      } catch (error) {
        if (toStorageReason(error) === undefined) throw error
        unreadable.push(name)
        return otherwise
      }
    },
  }
}

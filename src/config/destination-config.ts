/** A destination as its owner configured it, defaults filled in and secrets in place. Types only. */
import type { Receiver } from './receivers.ts'

type Shared = {
  readonly name: string
  /** What recognizes copies by messageId together. */
  readonly scope: string
  /** FQL that round-trips (fql.ts). */
  readonly when: string | undefined
  /** Event type → name, "verbatim" or "drop"; "*": all others. */
  readonly events: Readonly<Record<string, string>>
  readonly properties: FieldRules
  readonly identity: 'full' | 'hash' | 'none'
  readonly group: string | undefined
  readonly paused: boolean
  readonly was: string | undefined
}

/** Dotted paths. Without `allow` every field is allowed; with an empty one, none. */
export type FieldRules = {
  readonly deny: readonly string[]
  readonly allow: readonly string[] | undefined
  readonly hash: readonly string[]
}

export type SegmentConfig = Shared & {
  readonly type: 'segment'
  /** Without one it is a dry run. */
  readonly writeKey: string | undefined
  readonly receiver: Receiver
  /** An origin. */
  readonly host: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** Those of one workspace share its rate. */
  readonly workspace: string | undefined
  /** Events per second; 0: no limit. */
  readonly rate: number
  readonly consent: Readonly<Record<string, boolean>> | undefined
  readonly messageId: 'verbatim' | 'tagged' | undefined
}

export type FilesConfig = Shared & {
  readonly type: 'files'
  readonly to: FilesTarget
  readonly everySeconds: number
}

export type FilesTarget =
  | { readonly folder: string }
  | {
      readonly bucket: string
      /** Without slashes at its ends; may be empty. */
      readonly prefix: string
      readonly endpoint: string
      readonly region: string
      readonly accessKeyId: string
      readonly secretAccessKey: string
    }

export type DestinationConfig = SegmentConfig | FilesConfig

export const noRules: FieldRules = { deny: [], allow: undefined, hash: [] }

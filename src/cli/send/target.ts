/** Where `send` sends, and what it signs. In: the settings and the options. Out: a target, or a Stop. Pure. */
import type { Settings } from '../../config.ts'
import { webhookPath } from '../../ingest/public-url.ts'
import { isLoopback, toLocalOrigin } from '../admin-client.ts'
import { toSigningKey } from '../signing-key.ts'
import { CliError } from '../terminal.ts'
import { toDestination } from '../twilio-credentials.ts'
import type { Target } from './post.ts'

export type TargetOptions = {
  readonly to?: string
  readonly signedFor?: string
  readonly iOwnThisBridge?: boolean
}

/** A bridge of this machine is behind its PUBLIC_URL, whatever port it listens on; another one is what it is called. */
export function toTarget(
  settings: Settings,
  { to, signedFor, iOwnThisBridge }: TargetOptions,
  isLoad: boolean,
): Target {
  if (to === undefined && settings.PORT === 0) {
    throw new CliError("PORT is 0: pass the bridge's address with --to.", 2)
  }
  const url = to === undefined ? toLocalOrigin(settings) + webhookPath(settings.PUBLIC_URL) : toWebhook(to)
  if (isLoad && !isLoopback(url) && !iOwnThisBridge) {
    const { host } = new URL(url)
    throw new CliError(
      `${host} is not this machine. A load test is for your own bridge: pass --i-own-this-bridge if it is.`,
      2,
    )
  }
  const known = isLoopback(url) ? toDestination(settings) : undefined
  return {
    url,
    signedFor: signedFor === undefined ? (known ?? url) : toWebhook(signedFor),
    key: toSigningKey(settings),
  }
}

const toWebhook = (url: string): string => toDestination({ PUBLIC_URL: url }) ?? url

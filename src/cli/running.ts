/** The running bridge, for commands that ask it and have no use for a folder at rest. */

import { Status } from '../admin/status-schema.ts'
import type { Settings } from '../config.ts'
import { readOwner } from '../hosts/node/data-folder.ts'
import { findAdminToken, isLoopback } from './admin-client.ts'
import { isInUse } from './check/folder.ts'
import { check, type OutboxAccess, openRemote } from './outbox-access.ts'
import { CliError } from './terminal.ts'

/** In a burst the bridge indexes what is stored before it answers. */
const ANSWER_WITHIN_MS = 15_000

/** At `to`, or the one that runs on the data folder of this machine. Throws CliError when there is none. */
export function findRunning(settings: Settings, to: string | undefined): OutboxAccess {
  if (to !== undefined) return openElsewhere(settings, to)
  const { DATA_DIR } = settings
  const elsewhere = 'name one that runs elsewhere: --to https://bridge.example.com, with its ADMIN_TOKEN'
  if (!isInUse(DATA_DIR)) {
    throw new CliError(
      `No bridge runs on ${DATA_DIR}. Start it (npx twilio-segment-bridge serve), set DATA_DIR, or ${elsewhere}.`,
    )
  }
  const { pid, url } = readOwner(DATA_DIR)
  if (url === undefined) {
    const who = pid === undefined ? 'Another process' : `Process ${pid}`
    throw new CliError(`${who} uses ${DATA_DIR}, but does not serve it (yet). Try again, or ${elsewhere}.`)
  }
  return openRemote(url, findAdminToken(settings))
}

/** The token in this machine's folder belongs to a bridge of this machine. */
export function openElsewhere(settings: Settings, to: string): OutboxAccess {
  return openRemote(new URL(to).origin, isLoopback(to) ? findAdminToken(settings) : settings.ADMIN_TOKEN)
}

export async function readStatus(access: OutboxAccess): Promise<Status> {
  return Status.parse(await read(access, '/status'))
}

/** A GET; its answer. */
export async function read(access: OutboxAccess, path: string): Promise<unknown> {
  const response = await access.request(path, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })
  return (await check(access, await known(access, response))).json()
}

/** A POST; its answer. */
export async function order(access: OutboxAccess, path: string, body?: object): Promise<unknown> {
  const init = {
    method: 'POST',
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    ...(body && { body: JSON.stringify(body) }),
  }
  const response = await check(access, await known(access, await access.request(path, init)))
  return response.json()
}

/** A 404 with a sentence of its own is about what was asked for. */
async function known(access: OutboxAccess, response: Response): Promise<Response> {
  const isRouteUnknown =
    response.status === 404 && (await response.clone().text()).includes('There is nothing at')
  if (isRouteUnknown) throw new CliError(`${access.name} is an older version without this command.`)
  return response
}

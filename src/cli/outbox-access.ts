/**
 * The outbox of this machine, however it can be had: through the bridge that runs on its folder, or, while none does, by
 * taking the folder. Both answer the same requests, those of the admin API.
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTransfer, type Transfer } from '../admin/transfer.ts'
import { type Settings, toPruning } from '../config.ts'
import { toMapping } from '../event/mapping.ts'
import { type Folder, FolderInUse, type Owner, openFolder } from '../hosts/node/data-folder.ts'
import { openSqlite } from '../hosts/node/sqlite.ts'
import { createOutbox } from '../outbox/sqlite/outbox.ts'
import { asBearer, findAdminToken, toCause } from './admin-client.ts'
import type { Keeper } from './local-api.ts'
import { CliError } from './terminal.ts'

export type OutboxAccess = {
  /** As it stands in a sentence. */
  readonly name: string
  /** When nobody else has it: without a detour. */
  readonly transfer?: Transfer
  /** `path` is below `/api`. */
  request(path: string, init?: RequestInit): Promise<Response>
  close(): void
}

/** A bridge that stops lets go of its folder within this time. */
const PATIENCE_MS = 3_000
const PAUSE_MS = 100
/** A command that streams has better use for its memory than pages the system keeps anyway. */
const CACHE_KIB = 4_096

/** `isNew`: the folder may be made. Throws Stop. */
export async function openOutbox(settings: Settings, { isNew = false } = {}): Promise<OutboxAccess> {
  const { DATA_DIR } = settings
  if (!isNew && !existsSync(join(DATA_DIR, 'outbox.db'))) {
    throw new CliError(`There is no outbox in ${DATA_DIR}: is DATA_DIR right?`)
  }
  // What is written there holds phone numbers and texts.
  process.umask(0o077)
  for (const end = Date.now() + PATIENCE_MS; ; await sleep(PAUSE_MS)) {
    const taken = take(DATA_DIR)
    if ('release' in taken) return openHere(settings, taken)
    if (taken.url) return openThere(settings, taken.url)
    if (Date.now() > end) {
      const who = taken.pid ? `Process ${taken.pid}` : 'Another process'
      throw new CliError(`${who} is at work on ${DATA_DIR}: wait until it has ended, then run this again.`)
    }
  }
}

function take(path: string): Folder | Owner {
  try {
    return openFolder(path, 0)
  } catch (error) {
    if (error instanceof Error && error.cause instanceof FolderInUse) return error.cause.owner
    throw new CliError(error instanceof Error ? error.message : String(error))
  }
}

function openHere(settings: Settings, folder: Folder): OutboxAccess {
  const sql = openSqlite(folder.outboxFile)
  const outbox = createOutbox(sql, toPruning(settings))
  sql.exec(`PRAGMA cache_size = -${CACHE_KIB}`)
  const keeper: Keeper = {
    append(parcels) {
      outbox.put(parcels)
      return parcels.map(() => ({ stored: true }))
    },
    indexPending() {
      while (outbox.sort() > 0);
    },
  }
  const transfer = createTransfer(outbox, () => keeper)
  const api = async () =>
    (await import('./local-api.ts')).createLocalApi(outbox, keeper, transfer, toMapping(settings))
  let opened: ReturnType<typeof api> | undefined
  return {
    name: `the outbox in ${settings.DATA_DIR}`,
    transfer,
    async request(path, init) {
      opened ??= api()
      return (await opened).request(path, init)
    },
    close() {
      sql.close()
      folder.release()
    },
  }
}

async function openThere(settings: Settings, url: string): Promise<OutboxAccess> {
  const access = toOffice(url, findAdminToken(settings))
  await check(access, await access.request('/stats'))
  return access
}

/** The admin API of a bridge anywhere. */
export function toOffice(url: string, token: string | undefined): OutboxAccess {
  return {
    name: `the bridge at ${url}`,
    close: () => undefined,
    async request(path, init) {
      try {
        return await fetch(`${url}/api${path}`, { ...init, ...asBearer(token), redirect: 'manual' })
      } catch (error) {
        throw new CliError(`The bridge at ${url} cannot be reached: ${toCause(error)}`)
      }
    },
  }
}

/** The answer, if it is a good one. Throws Stop with what the other end says. */
export async function check(access: OutboxAccess, response: Response): Promise<Response> {
  if (response.ok) return response
  if (response.status === 401) {
    throw new CliError(
      `The bridge at ${access.name.replace('the bridge at ', '')} does not take the admin token: is ADMIN_TOKEN what it was started with?`,
    )
  }
  throw new CliError(
    `${access.name.replace(/^./, first => first.toUpperCase())} answered ${response.status}: ${await toSentence(response)}`,
  )
}

async function toSentence(response: Response): Promise<string> {
  const text = await response.text()
  try {
    const { message, detail, faults } = JSON.parse(text)
    const told = [message, detail, faults?.map((fault: { message?: string }) => fault.message).join(', ')]
    return told.filter(Boolean).join(': ')
  } catch {
    return text.slice(0, 200)
  }
}

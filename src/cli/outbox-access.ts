/**
 * The outbox of this machine, however it can be had: through the bridge that runs on its folder, or, while none does, by
 * taking the folder. Both answer the same requests, those of the admin API.
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Transfer } from '../admin/transfer.ts'
import { allCalm, toStanding } from '../alerts/throttle.ts'
import { type BridgeRuntime, openBridge } from '../bridge.ts'
import { type Settings, toPruning } from '../config.ts'
import { toMapping } from '../event/mapping.ts'
import { type Folder, FolderInUse, type Owner, openFolder } from '../hosts/node/data-folder.ts'
import { openSqlite } from '../hosts/node/sqlite.ts'
import { createOutbox } from '../outbox/sqlite/outbox.ts'
import { type Destination, failed } from '../send/destination.ts'
import { asBearer, findAdminToken, toCause } from './admin-client.ts'
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

/** `isNew`: the folder may be made. Throws CliError. */
export async function openOutbox(settings: Settings, { isNew = false } = {}): Promise<OutboxAccess> {
  const { DATA_DIR } = settings
  if (!isNew && !existsSync(join(DATA_DIR, 'outbox.db'))) {
    throw new CliError(`There is no outbox in ${DATA_DIR}: is DATA_DIR right?`)
  }
  // What is written there holds phone numbers and texts.
  process.umask(0o077)
  for (const end = Date.now() + PATIENCE_MS; ; await sleep(PAUSE_MS)) {
    const taken = take(DATA_DIR)
    if ('release' in taken) return openLocal(settings, taken)
    if (taken.url) return openRunning(settings, taken.url)
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

function openLocal(settings: Settings, folder: Folder): OutboxAccess {
  const sql = openSqlite(folder.outboxFile)
  const outbox = createOutbox(sql, toPruning(settings))
  sql.exec(`PRAGMA cache_size = -${CACHE_KIB}`)
  // What a person brings or changes here waits for the bridge's next start: nothing is delivered, and no cap holds it back.
  const { dispatcher, admin } = openBridge(
    outbox,
    [{ id: 1, destination: nobody }],
    { ...settings, MAX_BACKLOG: 0 },
    offline,
  )
  // Loaded when it is asked: a replay, which may run for hours, has better use for the memory.
  const openApi = async () => (await import('../http/admin-routes.ts')).createApi(admin, toMapping(settings))
  let api: ReturnType<typeof openApi> | undefined
  return {
    name: `the outbox in ${settings.DATA_DIR}`,
    transfer: admin,
    async request(path, init) {
      // Nobody else waits meanwhile.
      dispatcher.indexPending()
      api ??= openApi()
      return (await api).request(path, init)
    },
    close() {
      sql.close()
      folder.release()
    },
  }
}

const nobody: Destination = {
  name: 'nobody',
  limits: { eventBytes: 0, batchBytes: 0, batchEvents: 0, eventsPerSecond: 0 },
  taken: { state: 'skipped', reason: 'dry_run' },
  map: () => ({ ok: false, reason: 'dry_run', detail: '' }),
  deliver: async () => failed('bridge_fault', undefined, 'nothing is delivered here'),
}
const silent = () => undefined
const offline: BridgeRuntime = {
  log: { debug: silent, info: silent, warn: silent, error: silent },
  now: Date.now,
  random: Math.random,
  openNotifier: () => ({
    failed: silent,
    recovered: silent,
    verified: silent,
    tick: silent,
    standing: () => toStanding(allCalm, 0),
  }),
}

async function openRunning(settings: Settings, url: string): Promise<OutboxAccess> {
  const access = openRemote(url, findAdminToken(settings))
  await check(access, await access.request('/stats'))
  return access
}

/** The admin API of a bridge anywhere. */
export function openRemote(url: string, token: string | undefined): OutboxAccess {
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

/** The answer, if it is a good one. Throws CliError with what the other end says. */
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

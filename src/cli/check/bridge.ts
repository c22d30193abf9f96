/** What the running bridge says about itself: its destinations, its outbox, what needs a person. */

import { Status } from '../../admin/status-schema.ts'
import type { Settings } from '../../config.ts'
import { asBearer, ask, findAdminToken, parse } from '../admin-client.ts'
import { toFindings } from '../status.ts'
import { type Finding, note, wrong } from './result.ts'

const NAME = 'bridge'

export async function checkBridge(settings: Settings, origin: string): Promise<Finding[]> {
  const asked = await ask(`${origin}/api/status`, asBearer(findAdminToken(settings)))
  const unseen = 'so delivery cannot be checked'
  if (!asked.ok) {
    return [wrong(NAME, `does not tell its status (${asked.cause}), ${unseen}`, 'Look at its log.')]
  }
  if (asked.status === 401) {
    const remedy = 'Set ADMIN_TOKEN here to the one that bridge was started with.'
    return [wrong(NAME, `does not accept the admin token, ${unseen}`, remedy)]
  }
  if (asked.status === 404) {
    return [note(NAME, `is an older version without a status, ${unseen}`, 'Restart it with this version.')]
  }
  const status = Status.safeParse(parse(asked.text))
  if (!status.success) {
    return [wrong(NAME, `/api/status answers ${asked.status}, ${unseen}`, 'Look at its log.')]
  }
  // Whether it stores events has been asked without a token already.
  return toFindings(status.data).filter(({ name }) => name !== 'outbox')
}

/** The peers' packages: their own folder, with versions pinned, installed when first needed, so that nobody else has to. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

export function installPeers(root: string, say: (line: string) => void): void {
  const folder = join(root, 'bench/peers')
  if (existsSync(join(folder, 'node_modules/.package-lock.json'))) return
  say('installing the peers (Express, BullMQ) into bench/peers')
  const { status, stderr } = spawnSync('npm', ['install', '--prefix', folder], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`the peers cannot be installed: ${stderr}`)
}

/** What the files of deploy/ are judged with: programs that this machine may lack, and the files themselves. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { toFileName } from '../../src/config/secret-files.ts'
import { isSecret, settingNames } from '../../src/config.ts'

export const root = join(import.meta.dirname, '../..')
export const read = (file: string): string => readFileSync(join(root, file), 'utf8')

export const readYaml = (file: string): unknown[] =>
  parseAllDocuments(read(file), { merge: true }).map(document => {
    if (document.errors.length > 0) throw new Error(`${file}: ${document.errors.join(', ')}`)
    return document.toJS()
  })

export const listFiles = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => /\.\w+$/.test(name))
    .map(name => join(folder, name))

/** Says what is not tried here, and where the program comes from; a test is skipped then. */
export function lacks(program: string, origin: string): boolean {
  const isMissing = spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0
  if (isMissing) console.info(`Not tried: ${program} is not here (${origin}).`)
  return isMissing
}

/** Every name that the bridge takes from its environment. */
export const knownNames: ReadonlySet<string> = new Set([
  ...settingNames,
  ...settingNames.filter(isSecret).map(toFileName),
])

/** These are for others: glibc, Caddy. */
export const foreignNames: ReadonlySet<string> = new Set([
  'MALLOC_ARENA_MAX',
  'MALLOC_MMAP_THRESHOLD_',
  'DOMAIN',
])

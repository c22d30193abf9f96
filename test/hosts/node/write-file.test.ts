/** How a file gets to its place on disk: whole or not at all, whenever the process is killed. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createWriteFile } from '../../../src/hosts/node/write-file.ts'

const path = 'event_type=a/received_date=2026-01-02/received_hour=03/one.ndjson.gz'
const bytes = new Uint8Array([1, 2, 3])
const writeFileModule = join(import.meta.dirname, '../../../src/hosts/node/write-file.ts')

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'write-file-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** What lies in a folder, drafts included. */
function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries.filter(entry => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
}

/** A process that writes the file, with functions of `node:fs/promises` replaced beforehand. */
function writeInChild(folder: string, meddling: string) {
  const script = `
    import fs from 'node:fs/promises'
    import { syncBuiltinESMExports } from 'node:module'
    ${meddling}
    syncBuiltinESMExports()
    const { createWriteFile } = await import(${JSON.stringify(writeFileModule)})
    await createWriteFile(Date.now)(${JSON.stringify(folder)}, ${JSON.stringify(path)}, new Uint8Array([9]))`
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script]
  return spawnSync(process.execPath, args, { encoding: 'utf8' })
}

test('[FI6] a file is there with its folders, and one of that name is replaced', async () => {
  const folder = join(makeFolder(), 'new', 'folder')
  const writeFile = createWriteFile(Date.now)
  await writeFile(folder, path, new Uint8Array([7, 7, 7, 7]))
  await writeFile(folder, path, bytes)
  expect(filesIn(folder)).toEqual([join(folder, path)])
  expect([...readFileSync(join(folder, path))]).toEqual([...bytes])
})

test.skipIf(process.platform === 'win32')(
  '[FI19] nobody but the user and the group of the bridge can read it',
  async () => {
    const folder = join(makeFolder(), 'facts')
    await createWriteFile(Date.now)(folder, path, bytes)
    const forOthers = [folder, join(folder, path, '..'), join(folder, path)].map(
      at => statSync(at).mode & 0o007,
    )
    expect(forOthers).toEqual([0, 0, 0])
  },
)

test('[FI6] the file is flushed before it moves to its place, and its folder after that', () => {
  const folder = makeFolder()
  const { stdout, stderr } = writeInChild(
    folder,
    `const { open, rename } = fs
    fs.open = async (path, ...args) => {
      const handle = await open(path, ...args)
      const sync = handle.sync.bind(handle)
      handle.sync = async () => { await sync(); console.log('flush ' + path) }
      return handle
    }
    fs.rename = async (from, to) => { await rename(from, to); console.log('move ' + to) }`,
  )
  const steps = stdout.trim().split('\n')
  const target = join(folder, path)
  const moved = steps.indexOf(`move ${target}`)
  expect(moved, stderr).toBeGreaterThan(0)
  expect(steps[moved - 1]).toMatch(/^flush .*\/\.writing\//)
  expect(steps.slice(moved + 1)).toEqual([`flush ${join(target, '..')}`])
  // Each new folder is an entry in the one above.
  for (const above of ['../..', '../../..', '../../../..'])
    expect(steps.slice(0, moved)).toContain(`flush ${join(target, above)}`)
})

test('[FI7] killed between the temporary file and its move, nothing is in its place; a later try puts it there', async () => {
  const folder = makeFolder()
  const { signal } = writeInChild(folder, `fs.rename = () => process.kill(process.pid, 'SIGKILL')`)
  expect(signal).toBe('SIGKILL')
  const [leftover = '', ...more] = filesIn(folder)
  expect([leftover.startsWith(join(folder, '.writing/')), more]).toEqual([true, []])

  await createWriteFile(Date.now)(folder, path, bytes)
  expect(filesIn(folder).sort()).toEqual([leftover, join(folder, path)].sort())
  expect([...readFileSync(join(folder, path))]).toEqual([...bytes])

  const twoDaysAgo = new Date(Date.now() - 2 * 86_400_000)
  utimesSync(leftover, twoDaysAgo, twoDaysAgo)
  await createWriteFile(Date.now)(folder, path, bytes)
  expect(filesIn(folder)).toEqual([join(folder, path)])
})

test('[FI6] a file that cannot be moved leaves no temporary file', () => {
  const folder = makeFolder()
  const failing = `fs.rename = async () => { throw Object.assign(new Error('no'), { code: 'EIO' }) }`
  expect(writeInChild(folder, failing).status).toBe(1)
  expect(filesIn(folder)).toEqual([])
})

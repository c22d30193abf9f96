/** Files in a folder: by the suite of all destinations, on a disk that is full, read-only or silent; and read back by `replay`. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parseExactly } from '../../../src/event/exact-numbers.ts'
import { createWriteFile } from '../../../src/hosts/node/write-file.ts'
import type { WriteFile } from '../../../src/runtime.ts'
import { createFiles, FOLDER_REFUSED } from '../../../src/send/files/files.ts'
import type { Project } from '../../../src/send/files/line.ts'
import { registerDestinationContract } from '../../support/destination-contract.ts'
import { neverAborted } from '../../support/dispatcher.ts'
import { openWorkplace } from '../../support/replay.ts'
import { cannotMount, mountFull, mountReadOnly } from '../../support/small-disk.ts'
import { readPacked } from '../../support/storage.ts'
import { inboundMessage, messageStatus } from '../../support/twilio.ts'

const RECEIVED_AT = Date.parse('2026-01-02T03:04:05.678Z')
const HOUR = 3_600_000

type More = { readonly project?: Project; readonly timeoutMs?: number }

function openFiles(folder: string, writeFile?: WriteFile, { project, timeoutMs }: More = {}) {
  const options = { name: 'facts', target: { folder }, everySeconds: 300, project }
  return createFiles(options, { send: fetch, now: Date.now, writeFile }, timeoutMs)
}

type Files = ReturnType<typeof openFiles>

function messagesOf(files: Files, events: readonly object[], receivedAt = RECEIVED_AT) {
  return events.map(element => {
    const mapped = files.map({ element, exact: parseExactly(JSON.stringify(element)), receivedAt })
    if (!mapped.ok) throw new Error(mapped.reason)
    return mapped.message
  })
}

const store = (files: Files, ...events: readonly object[]) =>
  files.deliver(messagesOf(files, events), neverAborted)

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'files-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.gz'))

registerDestinationContract('files in a folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'files-'))
  const writeFile = createWriteFile(Date.now)
  const written: string[] = []
  let isSilent = false
  let seen = () => {}
  const waiting = new Promise<void>(resolve => {
    seen = resolve
  })
  return {
    destination: openFiles(folder, async (to, path, bytes) => {
      if (isSilent) {
        seen()
        return new Promise(() => undefined)
      }
      await writeFile(to, path, bytes)
      written.push(path)
    }),
    received: () => written.flatMap(path => readPacked(readFileSync(join(folder, path)))).map(({ id }) => id),
    hang() {
      isSilent = true
      return waiting
    },
    [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true, force: true }),
  }
})

const failing =
  (code: string): WriteFile =>
  () =>
    Promise.reject(Object.assign(new Error(`${code}: it fails`), { code }))

test.each([
  ['ENOSPC', 'folder_full'],
  ['EDQUOT', 'folder_full'],
  ['EACCES', 'folder_forbidden'],
  ['EROFS', 'folder_forbidden'],
  ['EIO', 'folder_failing'],
])('[FI8] %s is %s, and says so', async (code, reason) => {
  const outcome = await store(openFiles('anywhere', failing(code)), messageStatus())
  expect(outcome).toMatchObject({ kind: 'failed', reason, status: undefined, answer: `${code}: it fails` })
})

test.skipIf(cannotMount())('[FI8] a disk that is full, and one that is read-only', async () => {
  const empty = makeFolder()
  using full = mountFull(empty)
  expect(await store(openFiles(full.path, createWriteFile(Date.now)), messageStatus())).toMatchObject({
    ...{ kind: 'failed', reason: 'folder_full', answer: expect.stringContaining('ENOSPC') },
  })
  using readOnly = mountReadOnly(empty)
  expect(await store(openFiles(readOnly.path, createWriteFile(Date.now)), messageStatus())).toMatchObject({
    ...{ kind: 'failed', reason: 'folder_forbidden', answer: expect.stringContaining('EROFS') },
  })
})

test.skipIf(process.getuid?.() === 0)('[FI8] a folder that the user may not write to', async () => {
  const folder = makeFolder()
  chmodSync(folder, 0o500)
  expect(await store(openFiles(folder, createWriteFile(Date.now)), messageStatus())).toMatchObject({
    ...{ kind: 'failed', reason: 'folder_forbidden' },
  })
})

test('[FI8] a path that leads through a file', async () => {
  const file = join(makeFolder(), 'file')
  writeFileSync(file, '')
  expect(
    await store(openFiles(join(file, 'facts'), createWriteFile(Date.now)), messageStatus()),
  ).toMatchObject({
    ...{ kind: 'failed', reason: 'folder_failing' },
  })
})

test('[FI5] of several files one that fails is the failure of the batch; tried again, each event is there once', async () => {
  const folder = makeFolder()
  const writeFile = createWriteFile(Date.now)
  let fails = true
  const files = openFiles(folder, (to, path, bytes) =>
    fails && path.includes('inbound') ? failing('EIO')(to, path, bytes) : writeFile(to, path, bytes),
  )
  const messages = messagesOf(files, [messageStatus(), inboundMessage(), messageStatus()])
  expect(await files.deliver(messages, neverAborted)).toMatchObject({
    kind: 'failed',
    reason: 'folder_failing',
  })
  fails = false
  expect(await files.deliver(messages, neverAborted)).toMatchObject({ kind: 'accepted' })
  const ids = filesIn(folder)
    .flatMap(name => readPacked(readFileSync(join(folder, name))))
    .map(({ id }) => id)
  expect(ids.sort()).toEqual(messages.map(({ content }) => JSON.parse(content.key)[1]).sort())
})

test.skipIf(process.platform !== 'linux')('[FI8] a place where nobody can make a folder', async () => {
  expect(await store(openFiles('/proc/facts', createWriteFile(Date.now)), messageStatus())).toMatchObject({
    ...{ kind: 'failed', reason: 'folder_failing', answer: expect.stringContaining('ENOENT') },
  })
})

test('[FI13] a disk that is silent is a failure in time', async () => {
  const files = openFiles('anywhere', () => new Promise(() => undefined), { timeoutMs: 20 })
  expect(await store(files, messageStatus())).toMatchObject({ kind: 'failed', reason: 'folder_failing' })
})

test('[FI14] where there is no file system, a folder is refused', () => {
  expect(() => openFiles('anywhere')).toThrow(FOLDER_REFUSED)
})

test('[FI17] replay reads the folder back: each event once, with its id, its time and its numbers as written', async () => {
  const folder = makeFolder()
  const files = openFiles(folder, createWriteFile(Date.now))
  const numbered = JSON.stringify(messageStatus({ id: 'EZ1' })).replace(
    '"numberOfSegments":1',
    '"numberOfSegments":1.10',
  )
  const odd = { element: JSON.parse(numbered), exact: parseExactly(numbered), receivedAt: RECEIVED_AT }
  const mapped = files.map(odd)
  if (!mapped.ok) throw new Error(mapped.reason)
  const events = [messageStatus({ type: 'sent' }), inboundMessage(), messageStatus()]
  for (const batch of [
    [mapped.message, ...messagesOf(files, events.slice(0, 2))],
    messagesOf(files, events.slice(2), RECEIVED_AT + 25 * HOUR),
  ])
    expect(await files.deliver(batch, neverAborted)).toMatchObject({ kind: 'accepted' })
  expect(filesIn(folder).length).toBe(4)

  using place = openWorkplace()
  // What a kill leaves behind is not read.
  writeFileSync(join(folder, '.writing', '1-1-1'), 'half of a file')
  expect(await place.replayed([folder])).toMatchObject({ code: 0, read: 4, stored: 4, bad: 0 })
  expect(await place.replayed(['--from-start', folder])).toMatchObject({ read: 4, stored: 0, duplicates: 4 })
  const { out } = await place.export()
  const text = out.join('\n')
  for (const { id, time } of [odd.element, ...events]) {
    expect(text).toContain(`"id":"${id}"`)
    expect(text).toContain(`"time":"${time}"`)
  }
  expect(text).toContain('"numberOfSegments":1.10')
})

test('[FI3] what the rules take away is in no file', async () => {
  const folder = makeFolder()
  const files = openFiles(folder, createWriteFile(Date.now), { project: ({ body, to, ...rest }) => rest })
  const secret = 'a very private text'
  const event = { ...messageStatus({ to: '+15550123456', data: { body: secret } }) }
  const inBase64 = { ...event, id: 'EZ2', data: undefined, data_base64: btoa(JSON.stringify(event.data)) }
  const asText = { ...event, id: 'EZ3', data: JSON.stringify(event.data) }
  const outcome = await store(files, event, inBase64, asText)
  const lines = filesIn(folder).flatMap(name => readPacked(readFileSync(join(folder, name))))
  expect(lines.map(({ id }) => id)).toEqual([event.id, 'EZ2', 'EZ3'])
  const all = JSON.stringify([outcome, lines])
  for (const gone of [secret, btoa(secret).slice(0, 12), '+15550123456', 'data_base64'])
    expect(all).not.toContain(gone)
})

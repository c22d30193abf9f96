/** Folders as they are found: linked to themselves, with files of one name, with some that cannot be opened. */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { toBar } from '../../src/cli/replay/progress.ts'
import type { Bad } from '../../src/cli/replay/rejected.ts'
import { noTally } from '../../src/cli/replay/summary.ts'
import { openWorkplace, readLines, toNdjson } from '../support/replay.ts'
import { messageStatus } from '../support/twilio.ts'

const many = (n: number) => Array.from({ length: n }, () => messageStatus())

it('[RP136] f08: a folder that links to itself is read once, and so is a file that is linked to', async () => {
  using place = openWorkplace()
  const folder = join(place.folder, 'in')
  mkdirSync(folder)
  writeFileSync(join(folder, 'a.ndjson'), toNdjson(many(2)))
  symlinkSync('.', join(folder, 'loop'))
  symlinkSync('a.ndjson', join(folder, 'b.ndjson'))
  expect(await place.replayed([folder, join(folder, 'a.ndjson')])).toMatchObject({
    code: 0,
    read: 2,
    stored: 2,
  })
})

it('[RP136] f08: what cannot be opened is a sentence and exit code 3, and the rest is read', async () => {
  using place = openWorkplace()
  const folder = join(place.folder, 'in')
  mkdirSync(folder)
  symlinkSync('round', join(folder, 'round'))
  symlinkSync('nowhere', join(folder, 'gone'))
  writeFileSync(join(folder, 'z.ndjson'), toNdjson(many(1)))
  const { code, said, json } = await place.replay(['--json', folder])
  expect(code).toBe(3)
  expect(json()).toMatchObject({ stored: 1, bad: 2 })
  expect(said).toMatch(/round cannot be read: ELOOP/)
  expect(said).toMatch(/gone cannot be read: ENOENT/)
})

it('[RP3] bad records go to the folder that --rejected-to names, one file for each, and never beside the source', async () => {
  using place = openWorkplace()
  for (const name of ['x', 'y']) {
    mkdirSync(join(place.folder, name))
    writeFileSync(join(place.folder, name, 'part'), `{"a":"${name}"}\n`)
  }
  const rejected = join(place.folder, 'bad', 'records')
  const files = ['x', 'y'].map(name => join(place.folder, name, 'part'))
  const { rejectedFiles } = await place.replayed(['--rejected-to', rejected, ...files])
  expect(rejectedFiles.length).toBe(2)
  expect(rejectedFiles[0]).toBe(join(rejected, 'part.rejected.ndjson'))
  expect(rejectedFiles.map(file => readLines<Bad>(file)[0]?.file)).toEqual(files)
  expect(files.map(file => existsSync(`${file}.rejected.ndjson`))).toEqual([false, false])
  const again = await place.replayed(['--rejected-to', rejected, '--from-start', ...files])
  expect(again.rejectedFiles).toEqual(rejectedFiles)
})

it('[RP3] a folder for bad records that cannot be written ends the replay with a sentence', async () => {
  using place = openWorkplace()
  const path = place.file('a', '{"a":1}\n')
  const { code, said } = await place.replay(['--rejected-to', join(path, 'below'), path])
  expect(code).toBe(1)
  expect(said).toMatch(/Bad records cannot be written to .*Name another folder with --rejected-to/)
})

it('[RP137] the bar fits the terminal, with the bad records in it', () => {
  const tally = {
    ...noTally(),
    bytes: 1.23e9,
    read: 12_345_678,
    stored: 12_345_678,
    duplicates: 12_345,
    bad: 678,
  }
  for (const columns of [200, 120, 80, 60, 40]) {
    const bar = toBar(tally, 9.9e9, 4_800_000, columns)
    expect(bar.length).toBeLessThan(columns)
    expect(bar).toMatch(/12 % .*12,345,678 accepted .*678 bad$/)
  }
  expect(toBar(tally, 9.9e9, 4_800_000, 200)).toMatch(/^\[#-{9}\]/)
})

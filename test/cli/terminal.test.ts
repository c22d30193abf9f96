/** What an event holds must not steer the terminal it is shown on: each command under a pty, over an outbox full of hostile text. */
// @module-tag long
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { toProxyHint } from '../../src/cli/check/segment.ts'
import { onOneLine, toVisible } from '../../src/event/visible.ts'
import { openWorkplace, toNdjson } from '../support/replay.ts'
import { authToken, messageStatus } from '../support/twilio.ts'

const main = join(import.meta.dirname, '../../src/cli/main.ts')
/** Escape, CSI, bell, backspace, return, marks that turn text around, and separators of lines. */
const NASTY = '\u001b[2J\u009b31m\u0007\u0008\r\u202e\u2066\u061c\u2028\u0085\ufeff'
const hostile = new RegExp(
  `[${['\\u0000-\\u0008', '\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f', '\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff'].join('')}]`,
)
const hasScript = spawnSync('script', ['--version']).status === 0

describe('[SE130] A5: control characters of events are shown as escapes', () => {
  it('each of them, and no other; JSON stays what it is', () => {
    expect(toVisible(NASTY)).toBe(
      '\\u001b[2J\\u009b31m\\u0007\\u0008\\u000d\\u202e\\u2066\\u061c\\u2028\\u0085\\ufeff',
    )
    const text = 'Grüße, 🎉 "\\" \tand\n'
    expect(toVisible(text)).toBe(text)
    expect(onOneLine('a\nb\tc')).toBe('a\\u000ab\\u0009c')
    const json = JSON.stringify({ [NASTY]: `${NASTY}${text}` })
    expect(JSON.parse(toVisible(json))).toEqual({ [NASTY]: `${NASTY}${text}` })
    expect(toVisible(json)).not.toMatch(hostile)
  })

  it.runIf(hasScript)('by every command that shows them, on a terminal', { tags: 'long' }, () => {
    using place = openWorkplace()
    const folder = join(place.folder, `in${NASTY.replaceAll('/', '')}`)
    mkdirSync(folder)
    const good = messageStatus({ data: { text: NASTY } })
    const bad = {
      ...messageStatus({ data: { to: 7, [NASTY]: NASTY } }),
      type: `com.twilio.messaging.message.delivered`,
    }
    const outbox = place.file(
      'a.ndjson',
      toNdjson([
        good,
        {
          bridge: 1,
          state: 'rejected',
          reason: 'schema_rejected',
          receivedAt: '2026-11-22T00:00:00.000Z',
          event: { ...bad, id: 'EZbad', source: '/x', extra: NASTY },
        },
      ]),
    )
    writeFileSync(
      join(folder, 'b.ndjson'),
      `${NASTY}\n{"specversion":"1.0","id":"x","source":"${'\u202e'}y","type":"t${'\u009b'}"}\n`,
    )
    const run = (...args: string[]) => {
      const command = [process.execPath, '--disable-warning=ExperimentalWarning', main, ...args]
        .map(part => `'${part}'`)
        .join(' ')
      const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
        cwd: place.folder,
        encoding: 'utf8',
        env: { PATH: process.env.PATH, TERM: 'xterm', DATA_DIR: place.dataDir, TWILIO_AUTH_TOKEN: authToken },
      })
      // The terminal's own line ends, and the line that the bar is written over.
      return stdout
        .replaceAll('\r\n', '\n')
        .replaceAll('\r\u001b[2K', '')
        .replaceAll(/\p{Cc}\[3\dm(ok|note|warn|WRONG) *\p{Cc}\[39m/gu, '$1')
    }
    expect(run('replay', outbox)).toContain('1 to be sent')
    const [key = ''] = /\d+-\d+/.exec(run('dead-letters', 'list')) ?? []
    expect(key).not.toBe('')
    const shown = [
      run('replay', '--dry-run', outbox),
      run('replay', '--dry-run', folder),
      run('replay', folder),
      run('replay', '--json', folder),
      run('dead-letters', 'list'),
      run('dead-letters', 'list', '--json'),
      run('dead-letters', 'show', key),
      run('dead-letters', 'show', '--json', key),
      run('dead-letters', 'retry', key),
      run('export'),
      run('check'),
    ]
    for (const text of shown) expect(text).not.toMatch(hostile)
    const text = shown.join('\n')
    expect(text).toContain('\\u001b[2J\\u009b31m')
    expect(text).toContain('\\u202e')
  })

  it('an export into a pipe or a file is to the letter', async () => {
    using place = openWorkplace()
    await place.replayed([
      place.file('a.ndjson', toNdjson([messageStatus({ data: { text: '\u202e\u009b' } })])),
    ])
    expect((await place.export()).out.join('')).toContain('\u202e\u009b')
  })
})

describe('[SE131] f12: a .env as editors of Windows write it', () => {
  const shown = (content: string | Buffer) => {
    using place = openWorkplace()
    writeFileSync(join(place.folder, '.env'), content)
    // Without HOST it would listen on every address; a wrong one shows that it was read.
    const { status, stderr } = spawnSync(process.execPath, [main, 'dead-letters', 'list'], {
      cwd: place.folder,
      encoding: 'utf8',
      env: { PATH: process.env.PATH },
    })
    return { status, stderr }
  }
  const settings = 'DATA_DIR=./f12-was-read\nTWILIO_AUTH_TOKEN=0123456789abcdef0123456789abcdef\n'

  it('the first setting is read behind a byte order mark', () => {
    for (const mark of ['', '\ufeff'])
      expect(shown(mark + settings).stderr).toContain('There is no outbox in ./f12-was-read')
  })

  it.each([
    ['UTF-16', Buffer.from(`\ufeff${settings}`, 'utf16le')],
    ['UTF-16 without a mark', Buffer.from(settings, 'utf16le')],
  ])('%s is named, and nothing starts', (_, content) => {
    const { status, stderr } = shown(content)
    expect(status).toBe(2)
    expect(stderr).toMatch(/The file \.env is .*UTF-16.*save it as UTF-8/)
    expect(stderr).not.toMatch(/\n {4}at /)
  })
})

it('[SE132] an unreachable Segment names a proxy setting that is not used', () => {
  expect(toProxyHint({ HTTPS_PROXY: 'http://proxy.example' })).toContain(
    'HTTPS_PROXY is set, but not used: set NODE_USE_ENV_PROXY=1',
  )
  expect(toProxyHint({ https_proxy: 'http://proxy.example' })).toContain('https_proxy')
  expect(toProxyHint({ HTTPS_PROXY: 'http://proxy.example', NODE_USE_ENV_PROXY: '1' })).toBe('')
  expect(toProxyHint({})).toBe('')
})

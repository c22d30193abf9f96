/** What an event holds must not steer the terminal it is shown on: each command under a pty, over an outbox full of hostile text. */
// @module-tag long
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { onOneLine, toVisible } from '../../src/event/visible.ts'
import { toProxyHint, withProxyHint } from '../../src/hosts/node/proxy-hint.ts'
import { createDeliver } from '../../src/send/segment/client.ts'
import { toTrack } from '../../src/send/segment/map.ts'
import { startBridge } from '../support/bridge.ts'
import { openWorkplace, toNdjson } from '../support/replay.ts'
import { accountSid, authToken, messageStatus, sendEvents } from '../support/twilio.ts'

const main = join(import.meta.dirname, '../../src/cli/main.ts')
/** Escape, CSI, bell, backspace, return, marks that turn text around, and separators of lines. */
const NASTY = '\u001b[2J\u009b31m\u0007\u0008\r\u202e\u2066\u061c\u2028\u0085\ufeff'
const hostileMarks = new RegExp(
  `[${['\\u0000-\\u0008', '\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f', '\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff'].join('')}]`,
)
/** All that a program writes to a terminal, without the terminal's own line ends, and the line that the bar is written over. */
async function onTerminal(
  args: readonly string[],
  options: { cwd: string; env: Record<string, string | undefined> },
) {
  const command = [process.execPath, '--disable-warning=ExperimentalWarning', ...args]
    .map(part => `'${part}'`)
    .join(' ')
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    ...options,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return (await text(child.stdout))
    .replaceAll('\r\n', '\n')
    .replaceAll('\r\u001b[2K', '')
    .replaceAll(/\p{Cc}\[3\dm(ok|note|warn|WRONG) *\p{Cc}\[39m/gu, '$1')
}

/** A server that answers everything so. */
async function startAnswering(status: number, body: string): Promise<{ origin: string } & AsyncDisposable> {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it listens on a port')
  return {
    origin: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

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
    expect(toVisible(json)).not.toMatch(hostileMarks)
  })

  it.runIf(hasScript)('by every command that shows them, on a terminal', { tags: 'long' }, async () => {
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
    const env = {
      PATH: process.env.PATH,
      EDITOR: 'true',
      TERM: 'xterm',
      DATA_DIR: place.dataDir,
      TWILIO_AUTH_TOKEN: authToken,
    }
    const run = (...args: string[]) => onTerminal([main, ...args], { cwd: place.folder, env })
    expect(await run('replay', outbox)).toContain('1 to be sent')
    const [key = ''] = /\d+-\d+/.exec(await run('dead-letters', 'list')) ?? []
    expect(key).not.toBe('')
    const shown = [
      await run('replay', '--dry-run', outbox),
      await run('replay', '--dry-run', folder),
      await run('replay', folder),
      await run('replay', '--json', folder),
      await run('dead-letters', 'list'),
      await run('dead-letters', 'list', '--json'),
      await run('dead-letters', 'show', key),
      await run('dead-letters', 'show', '--json', key),
      await run('dead-letters', 'retry', key),
      await run('export'),
      await run('check'),
      await run('dead-letters', 'edit', key),
      await run('dead-letters', 'drop', '--yes', key),
    ]
    for (const text of shown) expect(text).not.toMatch(hostileMarks)
    const all = shown.join('\n')
    expect(all).toContain('\\u001b[2J\\u009b31m')
    expect(all).toContain('\\u202e')
  })

  it.runIf(hasScript)('by those that ask a bridge, Segment or Twilio', { tags: 'long' }, async () => {
    using place = openWorkplace()
    await using hostile = await startAnswering(500, JSON.stringify({ error: NASTY, message: NASTY }))
    await using bridge = await startBridge({
      ...{ SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: hostile.origin, DATA_DIR: place.dataDir },
    })
    await sendEvents(bridge.webhook, [messageStatus()])
    await bridge.until(({ destinations }) => destinations.some(({ delivery }) => delivery.failures > 0))
    const env = {
      ...{ PATH: process.env.PATH, TERM: 'xterm', DATA_DIR: place.dataDir, TWILIO_AUTH_TOKEN: authToken },
      ...{ TWILIO_ACCOUNT_SID: accountSid, PUBLIC_URL: 'https://bridge.example', SINK_DESCRIPTION: NASTY },
    }
    const run = (...args: string[]) => onTerminal([main, ...args], { cwd: place.folder, env })
    const sinkMain = join(import.meta.dirname, '../support/sink-main.ts')
    const shown = [
      await run('status'),
      await run('status', '--json'),
      await run('send', '--to', hostile.origin, '--retry-for', '1s'),
      await run('resend', '--since', '6h', '--type', NASTY.replace('\r', '')),
      await run('send', NASTY.replace('\r', '')),
      await onTerminal([sinkMain, 'status'], { cwd: place.folder, env }),
    ]
    for (const text of shown) expect(text).not.toMatch(hostileMarks)
    expect(shown.join('\n')).toContain('\\u001b[2J\\u009b31m')
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

it('[SE132] so does the notice of a delivery that finds no connection', async () => {
  const environment = { HTTPS_PROXY: 'http://proxy.example' }
  const send = withProxyHint(fetch, environment)
  const gone = await startAnswering(200, '')
  await gone[Symbol.asyncDispose]()
  const target = { writeKey: 'key', host: gone.origin, path: '/v1/batch' }
  const deliver = createDeliver(target, { send, now: Date.now })
  const element = messageStatus()
  const mapped = toTrack(element, Date.now())
  if (!mapped.ok) throw new Error(mapped.reason)
  const outcome = await deliver([mapped.track], new AbortController().signal)
  if (outcome.kind !== 'failed') throw new Error(outcome.kind)
  const { reason, answer } = outcome
  expect([reason, answer]).toEqual([
    'segment_unreachable',
    expect.stringMatching(/^ECONNREFUSED .* HTTPS_PROXY is set, but not used/),
  ])
  expect(withProxyHint(fetch, {})).toBe(fetch)
})

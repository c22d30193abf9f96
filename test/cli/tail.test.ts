/** `tail`: events as they arrive, in a pipe and on a terminal, from a real bridge. */
// @module-tag long
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { Listener, Screen } from '../../src/cli/tail/screen.ts'
import type { Line } from '../../src/cli/tail/view.ts'
import { createTailCommand } from '../../src/cli/tail.ts'
import { newDataDir, startBridge } from '../support/bridge.ts'
import { runCommand } from '../support/cli-terminal.ts'
import { until } from '../support/patience.ts'
import { startSegment } from '../support/segment.ts'
import { authToken, inboundMessage, messageStatus, sendEvents } from '../support/twilio.ts'
import { startWorkers } from '../support/workers.ts'

const main = join(import.meta.dirname, '../../src/cli/main.ts')
const hasScript = spawnSync('script', ['--version']).status === 0
const bad = () => messageStatus({ data: { to: 7 } })

async function startBoth(more: Record<string, string> = {}) {
  const segment = await startSegment()
  const bridge = await startBridge({ SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url, ...more })
  onTestFinished(async () => {
    await bridge[Symbol.asyncDispose]()
    await segment.close()
  })
  return { segment, bridge, environment: { TWILIO_AUTH_TOKEN: authToken, DATA_DIR: bridge.dataDir } }
}

/** Runs until it is stopped; `lines` and `said` grow meanwhile. */
function tail(args: readonly string[], environment: Record<string, string>) {
  const lines: string[] = []
  const said: string[] = []
  const stop = new AbortController()
  const ended = runCommand(
    terminal =>
      createTailCommand(
        { ...terminal, out: line => void lines.push(line), say: line => void said.push(line) },
        () => undefined,
      ),
    args,
    { environment, stop: stop.signal },
  )
  onTestFinished(() => stop.abort())
  return {
    lines,
    said,
    async stop() {
      stop.abort()
      return (await ended).code
    },
    has: (what: RegExp) =>
      until(
        () => `${what} in\n${lines.join('\n')}\n${said.join('\n')}`,
        () => lines.some(line => what.test(line)),
      ),
  }
}

it('[TA1] in a pipe each new event and each change of a state is a line, after the newest so many', async () => {
  const { bridge, segment, environment } = await startBoth()
  for (const id of ['EZold1', 'EZold2', 'EZold3']) await sendEvents(bridge.webhook, [messageStatus({ id })])
  await bridge.until(({ accepted }) => accepted === 3)
  const running = tail(['--lines', '2'], environment)
  await running.has(/EZold3/)
  expect(running.lines.map(line => line.split(/ +/).at(-1))).toEqual(['EZold2', 'EZold3'])
  segment.fail({ kind: 'status', status: 503 })
  await sendEvents(bridge.webhook, [messageStatus({ id: 'EZnew' }), bad()])
  await running.has(/Z {2}\S+ +pending .*message\.delivered +\+15550100199 +EZnew$/)
  await running.has(/rejected schema_rejected/)
  segment.heal()
  await running.has(/accepted .*EZnew$/)
  expect(await running.stop()).toBe(0)
  expect(new Set(running.lines).size, 'no line stands there twice').toBe(running.lines.length)
  expect(running.lines.filter(line => line.includes('EZold1'))).toEqual([])
  expect(running.said).toEqual([])
})

it('[TA2] filters mean what they mean in the list', async () => {
  const { bridge, environment } = await startBoth()
  const rejected = tail(['--state', 'rejected'], environment)
  const inbound = tail(['--type', 'com.twilio.messaging.inbound-message.*', '--json'], environment)
  const found = tail(['--search', 'EZneedle'], environment)
  await sendEvents(bridge.webhook, [messageStatus({ id: 'EZneedle' }), inboundMessage(), bad()])
  await rejected.has(/rejected schema_rejected/)
  await inbound.has(/"state":"accepted"/)
  await found.has(/accepted .*EZneedle/)
  for (const running of [rejected, inbound, found]) expect(await running.stop()).toBe(0)
  expect(rejected.lines).toHaveLength(1)
  for (const line of found.lines) expect(line).toContain('EZneedle')
  for (const line of inbound.lines)
    expect(JSON.parse(line)).toMatchObject({ type: 'com.twilio.messaging.inbound-message.received' })
})

it('[TA3] with --json a line is the event as the API lists it', async () => {
  const { bridge, environment } = await startBoth()
  await sendEvents(bridge.webhook, [messageStatus()])
  await bridge.until(({ accepted }) => accepted === 1)
  const running = tail(['--json'], environment)
  await running.has(/./)
  await running.stop()
  const { events } = await bridge.api<{ events: unknown[] }>('/api/events')
  expect(running.lines.map(line => JSON.parse(line))).toEqual(events)
})

it('[TA4] goes on after the bridge was away, and repeats nothing', async () => {
  const { bridge, segment, environment } = await startBoth()
  await sendEvents(bridge.webhook, [messageStatus({ id: 'EZbefore' })])
  await bridge.until(({ accepted }) => accepted === 1)
  const running = tail([], environment)
  await running.has(/EZbefore/)
  await bridge.stop()
  await until('a word about it', () => running.said.length > 0)
  const again = await startBridge({
    ...{ SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url, DATA_DIR: bridge.dataDir },
    PORT: new URL(bridge.origin).port,
  })
  onTestFinished(() => again.stop())
  await sendEvents(again.webhook, [messageStatus({ id: 'EZafter' })])
  await running.has(/accepted .*EZafter/)
  expect(running.said).toEqual([expect.stringMatching(/^Connection lost/), 'Connected again.'])
  expect(running.lines.filter(line => line.includes('EZbefore'))).toHaveLength(1)
  expect(await running.stop()).toBe(0)
})

it('[TA4] a wrong token, and a bridge that is not there, are one sentence and exit 1', async () => {
  const { bridge } = await startBoth()
  for (const [url, fault] of [
    [bridge.origin, /does not take the admin token/],
    ['http://127.0.0.1:9', /cannot be reached/],
  ] as const) {
    const { code, said } = await runCommand(
      terminal => createTailCommand(terminal, () => undefined),
      ['--to', url],
      { environment: { TWILIO_AUTH_TOKEN: authToken, ADMIN_TOKEN: 'another-token-than-it-has' } },
    )
    expect(code).toBe(1)
    expect(said).toMatch(fault)
  }
})

it('[TA4] of a Worker, whose streams end, it shows all', async () => {
  const bridge = await startWorkers({ ADMIN_TOKEN: 'the-token-of-the-tests' })
  onTestFinished(() => bridge.stop())
  const running = tail(['--to', bridge.origin], {
    TWILIO_AUTH_TOKEN: authToken,
    ADMIN_TOKEN: 'the-token-of-the-tests',
    DATA_DIR: newDataDir(),
  })
  for (const id of ['EZone', 'EZtwo', 'EZthree']) {
    await sendEvents(bridge.webhook, [messageStatus({ id })])
    await running.has(new RegExp(id))
  }
  expect(await running.stop()).toBe(0)
})

it('[TA5] on a terminal d shows an event whole, r sends a dead letter again, q ends it with 0', async () => {
  const { bridge, segment, environment } = await startBoth()
  segment.fail({ kind: 'poison', messageIds: { prefix: 'EZpoison' } })
  await sendEvents(bridge.webhook, [messageStatus({ id: 'EZpoison' }), messageStatus({ id: 'EZgood' })])
  await bridge.until(({ refused, accepted }) => refused === 1 && accepted === 1)
  segment.heal()

  let lines: readonly Line[] = []
  let press: Listener['key'] = () => undefined
  let isClosed = false
  const screen: Screen = {
    rows: 40,
    draw: drawn => (lines = drawn),
    close: () => (isClosed = true),
  }
  const ended = runCommand(
    terminal =>
      createTailCommand(terminal, ({ key }) => {
        press = key
        return screen
      }),
    [],
    { environment },
  )
  const text = () => lines.map(({ text }) => text).join('\n')
  const shows = (what: RegExp) =>
    until(
      () => `${what} in\n${text()}`,
      () => what.test(text()),
    )
  const selected = () => lines.find(({ look }) => look === 'selected')?.text

  await shows(/EZpoison(.|\n)*EZgood/)
  await shows(/· live\n/)
  expect(selected()).toContain('EZgood')
  press('r')
  await shows(/not retried: it is accepted/)
  press('k')
  expect(selected()).toContain('EZpoison')
  press('d')
  await shows(/What Segment answered(.|\n)*The track call it would become/)
  press('d')
  press('r')
  await shows(/queued\./)
  await shows(/accepted .*EZpoison/)
  press('q')
  expect((await ended).code).toBe(0)
  expect(isClosed).toBe(true)
})

it.skipIf(!hasScript)('[TA6] a real terminal is given back as it was, by q as by SIGTERM', async () => {
  const { bridge, environment } = await startBoth()
  await sendEvents(bridge.webhook, [messageStatus({ id: 'EZ\u001b[2Jhostile' })])
  for (const how of ['q', 'SIGTERM'] as const) {
    const command = `stty rows 20 cols 100; echo $$; exec '${process.execPath}' --disable-warning=ExperimentalWarning '${main}' tail`
    const child = spawn('script', ['-qefc', command, '/dev/null'], {
      env: { PATH: process.env.PATH, TERM: 'xterm-256color', ...environment },
    })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', piece => (text += piece))
    const exited = once(child, 'exit')
    await until(
      () => text,
      () => /hostile/.test(text) && /· live/.test(text),
    )
    if (how === 'q') child.stdin.write('q')
    else process.kill(Number(/\d+/.exec(text)?.[0]), how)
    expect(await exited).toEqual([0, null])
    expect(text).toContain('\x1b[?1049h')
    expect(text.trimEnd().endsWith('\x1b[?7h\x1b[?25h\x1b[?1049l')).toBe(true)
    expect(text).toContain('EZ\\u001b[2Jhostile')
  }
})

/** `proxy sessions …` against a stand-in of Twilio Proxy's API, through the `twilio` package. */
import { describe, expect, it } from 'vitest'
import { connectProxy } from '../../src/cli/proxy/api.ts'
import { createProxyCommand } from '../../src/cli/proxy.ts'
import { type RunOptions, runCommand } from '../support/cli-terminal.ts'
import { accountSid, authToken } from '../support/twilio.ts'
import { startTwilioProxyApi, type TwilioProxyApi } from '../support/twilio-proxy-api.ts'

const ANN = '+15551230001'
const BOB = '+15551230002'

function run(api: TwilioProxyApi, args: readonly string[], more: RunOptions = {}) {
  return runCommand(
    terminal => createProxyCommand(terminal, credentials => connectProxy(credentials, api.httpClient)),
    ['sessions', ...args],
    { environment: { TWILIO_ACCOUNT_SID: accountSid, TWILIO_AUTH_TOKEN: authToken }, ...more },
  )
}

async function startWithSession(fields = {}) {
  const api = await startTwilioProxyApi()
  const service = api.addService()
  const session = api.addSession(service.sid, { unique_name: 'ride-42', ...fields })
  return { api, service, session, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() }
}

describe('proxy sessions list', () => {
  it('[PX10] follows the next page as Twilio names it, to the end or to --limit', async () => {
    await using api = await startTwilioProxyApi()
    const { sid } = api.addService()
    for (let i = 0; i < 7; i++) api.addSession(sid, { unique_name: `ride-${i}` })
    const all = await run(api, ['list', '--page-size', '3', '--json'])
    expect(all.code).toBe(0)
    expect(all.out.map(line => JSON.parse(line).unique_name)).toEqual(
      Array.from({ length: 7 }, (_, i) => `ride-${i}`),
    )
    const pages = api.requests.filter(({ path }) => path.endsWith('/Sessions')).length
    expect(pages).toBe(3)
    const some = await run(api, ['list', '--page-size', '3', '--limit', '4'])
    expect(some.out).toHaveLength(5)
    expect(some.said).toContain('Only 4 sessions')
  })

  it('[PX10] asks for 50 a page, takes 1 to 1000', async () => {
    await using one = await startWithSession()
    const { api, service } = one
    for (let i = 0; i < 50; i++) api.addSession(service.sid)
    expect((await run(api, ['list', '--json'])).out).toHaveLength(51)
    expect(api.requests.filter(({ path }) => path.endsWith('/Sessions'))).toHaveLength(2)
    for (const size of ['0', '1001', 'x'])
      expect((await run(api, ['list', '--page-size', size])).code).toBe(2)
  })

  it('[PX11] a table shows what a person looks for; a control character does not reach the terminal', async () => {
    await using one = await startWithSession({ status: 'closed', unique_name: 'a\u001b[31mb' })
    const { out } = await run(one.api, ['list'])
    expect(out[0]).toMatch(/^SID +STATUS +MODE .*UNIQUE NAME$/)
    expect(out[1]).toContain(`${one.session.sid}  closed`)
    expect(out.join()).not.toContain('\u001b')
  })

  it('[PX12] with several services one must be named, by SID or unique name', async () => {
    await using one = await startWithSession()
    const other = one.api.addService({ unique_name: 'other' })
    const which = await run(one.api, ['list'])
    expect(which.code).toBe(2)
    expect(which.said).toContain(other.sid)
    expect((await run(one.api, ['list', '--service', 'other'])).said).toContain('has no sessions')
    expect((await run(one.api, ['list', '--service', one.service.sid, '--json'])).out).toHaveLength(1)
  })
})

describe('proxy sessions get', () => {
  it('[PX11] shows a session with its participants and the number of interactions', async () => {
    await using one = await startWithSession()
    const ann = one.api.addParticipant(one.session, ANN, { friendly_name: 'Ann' })
    const bob = one.api.addParticipant(one.session, BOB)
    one.api.interact(one.session, ann, bob)
    const { out } = await run(one.api, ['get', one.session.sid])
    expect(out.join('\n')).toMatch(
      /in-progress[\s\S]*ride-42[\s\S]*\+15551230001 {2}Ann[\s\S]*interactions +1/,
    )
    const json = (await run(one.api, ['get', one.session.sid, '--json'])).json<Record<string, unknown>>()
    expect(json).toMatchObject({ sid: one.session.sid, status: 'in-progress', participants: [{}, {}] })
  })

  it('[PX13] an error of Twilio comes with its code and what to do; another SID is wrong use', async () => {
    await using one = await startWithSession()
    const { code, said } = await run(one.api, ['get', `KC${'f'.repeat(32)}`])
    expect(code).toBe(1)
    expect(said).toMatch(/error 20404.*proxy sessions list/)
    expect((await run(one.api, ['get', 'ride-42'])).code).toBe(2)
  })
})

describe('proxy sessions create', () => {
  it('[PX14] sends name, expiry, ttl, mode, status and participants as Twilio wants them', async () => {
    await using api = await startTwilioProxyApi()
    api.addService()
    const { code, out } = await run(api, [
      ...['create', '--unique-name', 'ride-42', '--expiry', '2026-12-01T18:00:00+01:00', '--ttl', '60'],
      ...['--mode', 'message-only', '--status', 'open'],
      ...['--participant', `${ANN}=Ann`, '--participant', BOB, '--json'],
    ])
    expect(code).toBe(0)
    const form = api.requests.at(-1)?.form
    expect(Object.fromEntries(form ?? [])).toMatchObject({
      ...{ UniqueName: 'ride-42', DateExpiry: '2026-12-01T17:00:00Z', Ttl: '60', Mode: 'message-only' },
      Status: 'open',
    })
    expect(form?.getAll('Participants')).toEqual([
      `{"Identifier":"${ANN}","FriendlyName":"Ann"}`,
      `{"Identifier":"${BOB}"}`,
    ])
    const [session] = api.sessions.values()
    expect(JSON.parse(out[0] ?? '')).toMatchObject({ sid: session?.sid, unique_name: 'ride-42' })
  })

  it('[PX2] [PX13] what Twilio would not take is not sent; what it does not take is told with its remedy', async () => {
    await using one = await startWithSession()
    const before = one.api.requests.length
    const wrong = await run(one.api, ['create', '--unique-name', 'x'.repeat(192)])
    expect(wrong).toMatchObject({ code: 2, said: expect.stringContaining('--unique-name: 1 to 191') })
    expect(one.api.requests).toHaveLength(before)
    const taken = await run(one.api, ['create', '--unique-name', 'ride-42'])
    expect(taken).toMatchObject({ code: 1, said: expect.stringMatching(/80603.*another --unique-name/) })
    const fake = await run(one.api, ['create', '--participant', 'nobody'])
    expect(fake).toMatchObject({ code: 1, said: expect.stringMatching(/80404.*E\.164/) })
  })
})

describe('proxy sessions update', () => {
  it('[PX14] closes a session and reopens it, and says before what that does', async () => {
    await using one = await startWithSession()
    const closed = await run(one.api, ['update', one.session.sid, '--status', 'closed', '--json'])
    expect(closed.said).toContain('Closing:')
    expect(closed.json()).toMatchObject({ status: 'closed', closed_reason: 'api' })
    const reopened = await run(one.api, ['update', one.session.sid, '--status', 'in-progress', '--json'])
    expect(reopened.said).toContain('Reopening:')
    expect(reopened.json()).toMatchObject({ status: 'in-progress' })
    expect(reopened.json()).not.toHaveProperty('date_ended')
  })

  it('[PX3] refuses what Twilio refuses, and sends nothing', async () => {
    await using one = await startWithSession({ status: 'closed' })
    for (const args of [
      ['--ttl', '60'],
      ['--status', 'closed'],
    ]) {
      const { code, said } = await run(one.api, ['update', one.session.sid, ...args])
      expect(code).toBe(2)
      expect(said).toContain('Nothing was changed')
    }
    expect((await run(one.api, ['update', one.session.sid])).code).toBe(2)
    expect((await run(one.api, ['update', one.session.sid, '--mode', 'voice-only'])).code).toBe(2)
    expect(one.api.requests.every(({ method }) => method === 'GET')).toBe(true)
  })
})

describe('proxy sessions delete', () => {
  it('[PX15] asks, says what goes with it, and deletes only then', async () => {
    await using one = await startWithSession()
    one.api.addParticipant(one.session, ANN)
    const kept = await run(one.api, ['delete', one.session.sid], { answer: 'n' })
    expect(kept.code).toBe(1)
    expect(kept.said).toMatch(/1 participant and 0 interactions.*90 days/)
    expect((await run(one.api, ['delete', one.session.sid])).code).toBe(2)
    expect(one.api.sessions.size).toBe(1)
    expect((await run(one.api, ['delete', one.session.sid, '--yes'])).code).toBe(0)
    expect([one.api.sessions.size, one.api.participants.size]).toEqual([0, 0])
  })
})

describe('any of them', () => {
  it('[PX13] without credentials, or the network, it says what is missing', async () => {
    await using one = await startWithSession()
    const none = await run(one.api, ['list'], { environment: {} })
    expect(none).toMatchObject({ code: 2, said: expect.stringContaining('TWILIO_ACCOUNT_SID') })
    one.api.fail('cut')
    const cut = await run(one.api, ['list'])
    expect(cut).toMatchObject({ code: 1, said: expect.stringContaining('cannot be reached') })
  })

  it('[PX13] a 429 is waited out', async () => {
    await using one = await startWithSession()
    one.api.throttle(1)
    expect((await run(one.api, ['list', '--json'])).out).toHaveLength(1)
  })
})

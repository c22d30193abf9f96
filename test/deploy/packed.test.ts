/** The package as its users get it, from the tarball: types, bundles, Workers, the demo. */
// @module-tag long
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import { rolldown } from 'rolldown'
import { beforeAll, describe, expect, it } from 'vitest'
import { pairs, RECEIVED_AT } from '../support/fixtures.ts'
import { until } from '../support/patience.ts'
import { base, sha256, sign, token } from '../support/signatures.ts'
import { type Installed, installPacked } from './packed.ts'
import { read, root } from './tools.ts'

const tsc = join(root, 'node_modules/typescript/bin/tsc')

/** Answers what the package makes of the events in the body, and whether Twilio signed it. */
const worker = `
import { families, toTrack, verifySignature } from 'twilio-segment-bridge'
export default {
  async fetch(request: Request): Promise<Response> {
    const body = await request.text()
    const signature = request.headers.get('x-twilio-signature')
    const url = request.headers.get('x-url') ?? ''
    const verified = await verifySignature({ url, signature, body }, { authTokens: ['${token}'] })
    const events: unknown[] = JSON.parse(body)
    const tracks = events.map(event => {
      const result = toTrack(event, ${RECEIVED_AT})
      return result.ok ? result.track : null
    })
    return Response.json({ verified, tracks, families: families.length })
  },
}
`

describe('the packed package', () => {
  let installed: Installed
  beforeAll(() => {
    installed = installPacked()
    return installed.remove
  })
  const write = (name: string, text: string) => writeFileSync(join(installed.folder, name), text)

  it('holds no tests, no sources and no launcher but its own', () => {
    const top = new Set(installed.files.map(file => file.split('/')[0]))
    expect([...top].sort()).toEqual(
      ['CHANGELOG.md', 'LICENSE', 'README.md', 'bin', 'dist', 'docs', 'package.json', 'schemas'].sort(),
    )
    expect(installed.files.filter(file => /\.test\.|\.ts$/.test(file) && !file.endsWith('.d.ts'))).toEqual([])
  })

  it('[DY94] compiles under strict with NodeNext and with bundler resolution', () => {
    const examples = [...read('docs/library.md').matchAll(/^```ts\n([\s\S]*?)^```$/gm)]
    expect(examples.length).toBeGreaterThan(1)
    examples.forEach(([, text = ''], at) => {
      write(`example-${at}.ts`, text)
    })
    write('worker.ts', worker)
    write(
      'types.ts',
      `import { type Family, families, toTrack, type TrackCall, version } from 'twilio-segment-bridge'
       const result = toTrack({}, 0, { eventNames: 'title', ownNumbers: ['+15550100100'] })
       export const track: TrackCall | undefined = result.ok ? result.track : undefined
       export const first: Family | undefined = families[0]
       export const text: string = version
       // @ts-expect-error: there is no such name
       toTrack({}, 0, { eventNames: 'upper' })
       // @ts-expect-error: a time is a number
       toTrack({}, new Date())`,
    )
    for (const [module, moduleResolution] of [
      ['NodeNext', 'NodeNext'],
      ['ESNext', 'bundler'],
    ]) {
      const compilerOptions = {
        ...{ module, moduleResolution, target: 'ES2022', lib: ['ES2023', 'WebWorker'], types: [] },
        ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
        ...{ skipLibCheck: false, noEmit: true },
      }
      write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['*.ts'] }))
      expect(installed.run(process.execPath, tsc, '-p', '.'), moduleResolution).toBe('')
    }
  })

  it('[DY95] a bundle of it runs on Workers without compatibility flags', async () => {
    write('worker.ts', worker)
    const bundle = await rolldown({ input: join(installed.folder, 'worker.ts'), platform: 'browser' })
    const {
      output: [{ code, imports }],
    } = await bundle.generate({ format: 'esm' })
    expect(imports).toEqual([])
    const miniflare = new Miniflare(
      convertV4MiniflareOptions({
        log: new Log(LogLevel.NONE),
        cf: false,
        workers: [
          {
            name: 'user',
            modules: [{ type: 'ESModule', path: 'worker.js', contents: code }],
            compatibilityDate: '2026-10-01',
          },
        ],
      }),
    )
    try {
      const body = JSON.stringify(pairs.map(({ twilio }) => twilio))
      const url = `${base}?bodySHA256=${sha256(body)}`
      const answer = await miniflare.dispatchFetch('http://worker/', {
        method: 'POST',
        headers: { 'x-twilio-signature': sign(url), 'x-url': url },
        body,
      })
      const app = { name: 'twilio-segment-bridge', version: JSON.parse(read('package.json')).version }
      expect(await answer.json()).toEqual({
        verified: { ok: true },
        families: expect.any(Number),
        tracks: pairs.map(({ segment }) => segment && { ...segment, context: { ...segment.context, app } }),
      })
    } finally {
      await miniflare.dispose()
    }
  })

  it('[DY94] can be required by a CommonJS module', () => {
    write('user.cjs', "console.log(typeof require('twilio-segment-bridge').toTrack)")
    expect(installed.run(process.execPath, 'user.cjs')).toBe('function\n')
  })

  it('[DY94] gives the JSON Schemas, and package.json', () => {
    write(
      'schemas.mjs',
      `import { readFileSync } from 'node:fs'
       import { families } from 'twilio-segment-bridge'
       for (const { schema, versions } of families)
         for (const version of versions)
           JSON.parse(readFileSync(new URL(import.meta.resolve(\`twilio-segment-bridge/schemas/\${schema}.\${version}.json\`))))
       console.log('all')`,
    )
    expect(installed.run(process.execPath, 'schemas.mjs')).toBe('all\n')
    const manifest = join(installed.folder, 'node_modules/twilio-segment-bridge/package.json')
    expect(readFileSync(manifest, 'utf8')).toBe(read('package.json'))
  })
  it('[DY96] demo shows events arriving, ignores settings, and leaves nothing behind', async () => {
    const temporary = join(installed.folder, 'tmp')
    mkdirSync(temporary)
    write('.env', 'SEGMENT_RATE=wrong\nSEGMENT_HOST=https://nobody.example\n')
    const demo = spawn('npx', ['twilio-segment-bridge', 'demo'], {
      cwd: installed.folder,
      env: { ...installed.env, TMPDIR: temporary, PORT: 'wrong' },
      stdio: ['ignore', 'pipe', 'pipe'],
      // So that a signal reaches npm and what it started, as Ctrl-C does.
      detached: true,
    })
    const exited = once(demo, 'exit')
    let said = ''
    for (const stream of [demo.stdout, demo.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
    const group = -(demo.pid ?? 0)
    try {
      await until(
        () => `the end of the story in ${said}`,
        () => said.includes('Serving until Ctrl-C') || demo.exitCode !== null,
      )
      expect(said).toContain(
        'received 9 = pending 0 + accepted 7 + rejected 1 + refused 0 + skipped 1\n  duplicates, counted separately: 1',
      )
      expect(said).toMatch(/customer +whatsapp:\+15550100199 +externalId phone \+15550100199/)
      expect(readdirSync(temporary)).toHaveLength(1)
      const [, page = '', adminToken] = /(http:\S+)#token=(\S+)/.exec(said) ?? []
      expect((await fetch(page)).status).toBe(200)
      const asked = await fetch(new URL('/api/events', page), {
        headers: { authorization: `Bearer ${adminToken}` },
      })
      expect(asked.status).toBe(200)
      rmSync(join(installed.folder, '.env'))
      // The line that it offers, but for a load that ends soon.
      const [, line = ''] = /more events +(.*) --rate/.exec(said) ?? []
      expect(installed.run('sh', '-c', `${line} delivered`)).toContain('200')
    } finally {
      process.kill(group, 'SIGINT')
    }
    // npm dies of it, and has no word of what it started.
    await exited
    await until('the folder to be gone', () => readdirSync(temporary).length === 0)
  })

  it('[DY96] demo --once ends by itself', () => {
    expect(installed.run('npx', 'twilio-segment-bridge', 'demo', '--once')).toContain('received 9 =')
  })
})

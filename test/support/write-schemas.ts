/**
 * `npm run schemas`: writes schemas/, .env.example and the tables in docs/configuration.md, docs/mapping.md and docs/api.md anew
 * from the code. test/families/schemas.test.ts, test/config.test.ts and test/http/openapi.test.ts fail while they differ.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { withRoutesTable } from './routes-table.ts'
import {
  configurationPage,
  envExample,
  envExampleFile,
  folder,
  generated,
  mappingPage,
  withSettingsTable,
  withTypesTable,
} from './schemas.ts'

mkdirSync(folder, { recursive: true })
for (const file of readdirSync(folder)) {
  if (!(file in generated)) rmSync(new URL(file, folder))
}
for (const [file, text] of Object.entries(generated)) writeFileSync(new URL(file, folder), text)
writeFileSync(envExampleFile, envExample)
writeFileSync(configurationPage, withSettingsTable(readFileSync(configurationPage, 'utf8')))
writeFileSync(mappingPage, withTypesTable(readFileSync(mappingPage, 'utf8')))
const apiPage = new URL('../../docs/api.md', import.meta.url)
writeFileSync(apiPage, withRoutesTable(readFileSync(apiPage, 'utf8')))
console.log(
  `${Object.keys(generated).length} schemas written to schemas/, the settings to docs/configuration.md and .env.example, the types to docs/mapping.md, the routes to docs/api.md`,
)

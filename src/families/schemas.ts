/**
 * The families' schemas as JSON Schema (draft 2020-12), for people who want to check events or build a tracking plan.
 * In: the families, and other zod schemas by name. Out: file name → schema. Pure; writing the files is the caller's affair.
 */
import * as z from 'zod'
import { families } from './index.ts'

export type SchemaFiles = Readonly<Record<string, z.core.JSONSchema.BaseSchema>>

export function toSchemaFiles(others: Readonly<Record<string, z.ZodType>> = {}): SchemaFiles {
  const files: Record<string, z.core.JSONSchema.BaseSchema> = {}
  for (const family of families) {
    for (const [version, schema] of family.versions) {
      files[`${family.schema}.${version}.json`] = toJsonSchema(schema)
    }
  }
  for (const [name, schema] of Object.entries(others)) files[`${name}.json`] = toJsonSchema(schema)
  return files
}

/** `input`: what may be sent, before defaults are filled in. */
function toJsonSchema(schema: z.ZodType): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' })
}

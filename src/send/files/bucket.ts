/**
 * S3-compatible storage as a store: one PUT a file, with the bucket in the path, signed with AWS Signature 4. The body's SHA-256 is
 * part of the signature, so the storage accepts no bytes but these.
 */
import { AwsV4Signer } from 'aws4fetch'
import { toErrorText } from '../../alerts/redact.ts'
import type { FilesTarget } from '../../config/destination-config.ts'
import { failed } from '../destination.ts'
import { toOutcome } from './bucket-answer.ts'
import { sha256 } from './layout.ts'
import type { Store } from './store.ts'

export type BucketTarget = Exclude<FilesTarget, { readonly folder: string }>

export type BucketPorts = { readonly send: typeof fetch; readonly now: () => number }

const TYPE = 'application/gzip'

export function createBucketStore(target: BucketTarget, { send, now }: BucketPorts): Store {
  const { bucket, prefix, endpoint, region, accessKeyId, secretAccessKey } = target
  const secrets = [secretAccessKey, accessKeyId]
  /** The signing key of the day. */
  const cache = new Map<string, ArrayBuffer>()
  const base = endpoint.replace(/\/+$/, '')

  return {
    tooSlow: 'bucket_timeout',
    async put({ path, bytes }, signal) {
      const parts = [bucket, ...`${prefix}/${path}`.split('/').filter(part => part !== '')]
      const url = `${base}/${parts.map(encodeURIComponent).join('/')}`
      const request = async () => {
        const datetime = new Date(now()).toISOString().replaceAll(/[:-]|\.\d+/g, '')
        const headers = { 'content-type': TYPE, 'x-amz-content-sha256': await sha256(bytes) }
        const keys = { accessKeyId, secretAccessKey, region, service: 's3', datetime, cache }
        const signed = await new AwsV4Signer({ method: 'PUT', url, headers, ...keys }).sign()
        const options = { method: 'PUT', headers: signed.headers, body: bytes, signal } as const
        return send(signed.url.href, { ...options, redirect: 'manual' })
      }
      try {
        const response = await request().catch((error: unknown) => {
          // A kept connection that the storage closes just then is no outage, and a second copy replaces the first.
          if (signal.aborted || !isCutConnection(error)) throw error
          return request()
        })
        return await toOutcome(response, secrets, now())
      } catch (error) {
        return failed('bucket_unreachable', undefined, toErrorText(error))
      }
    },
  }
}

function isCutConnection(error: unknown): boolean {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(code)
}

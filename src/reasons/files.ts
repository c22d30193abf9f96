/** Why files cannot be stored: in S3-compatible storage (`bucket_…`) or in a folder (`folder_…`). Pure data, part of delivery.ts. */
import { stop } from './stop.ts'

export const fileReasons = {
  bucket_unauthorized: stop(
    913950,
    'ERROR',
    'The storage rejected the access key',
    'Check accessKeyId and secretAccessKey of the destination, and that this key may write objects into the bucket (s3:PutObject). Until then the bridge retries every 5 minutes.',
  ),
  bucket_clock_wrong: stop(
    913951,
    'ERROR',
    'The storage rejected the request because the clock of this machine is wrong',
    'Set the clock of this machine, best by NTP. Until then the bridge retries every 5 minutes.',
  ),
  bucket_missing: stop(
    913952,
    'ERROR',
    'The bucket does not exist',
    'Create the bucket, or correct its name and the endpoint of the destination. Until then the bridge retries every 5 minutes.',
  ),
  bucket_region_wrong: stop(
    913953,
    'ERROR',
    'The bucket is in another region',
    'Set region and endpoint of the destination to those of the bucket; the answer usually names them. Until then the bridge retries every 5 minutes.',
  ),
  bucket_misrouted: stop(
    913954,
    'ERROR',
    'The endpoint does not answer like S3-compatible storage',
    'Check the endpoint of the destination, and any proxy. Until then the bridge retries every 5 minutes.',
  ),
  bucket_throttled: stop(
    91302,
    'WARNING',
    'The storage throttles the bridge',
    'Nothing at first: the bridge retries. If it goes on, raise `every` of the destination, so that fewer and larger files are stored.',
  ),
  bucket_failing: stop(
    91306,
    'ERROR',
    'The storage answers with a server error',
    "Nothing at first: the bridge retries. If it goes on, look at the storage provider's status page.",
  ),
  bucket_unreachable: stop(
    91307,
    'ERROR',
    'The storage cannot be reached',
    'Check DNS, the firewall and the endpoint of the destination from this machine.',
  ),
  bucket_timeout: stop(
    91308,
    'ERROR',
    'The storage did not answer in time',
    'Nothing at first: the bridge retries. If it goes on, check the network path.',
  ),
  folder_full: stop(
    913955,
    'ERROR',
    'The disk of the folder is full',
    'Free disk space or raise the quota. The events wait in the outbox and the bridge retries.',
  ),
  folder_forbidden: stop(
    913956,
    'ERROR',
    'The bridge is not allowed to write to the folder',
    "Give the bridge's user write permission on the folder, and check that the disk is not mounted read-only. Until then the bridge retries every 5 minutes.",
  ),
  folder_failing: stop(
    913957,
    'ERROR',
    'The folder cannot be written',
    'Check the path of the destination, its disk and its mount. The events wait in the outbox and the bridge retries.',
  ),
} as const

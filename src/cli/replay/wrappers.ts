/** What a JSON record without an event seems to be: for the sentence a person gets. Pure. */
import { isObject, type JsonObject } from '../../event/event.ts'

type Wrapper = readonly [name: string, field: string, isLike: (record: JsonObject) => boolean]

const has =
  (...names: readonly string[]) =>
  (record: JsonObject): boolean =>
    names.every(name => name in record)

const wrappers: readonly Wrapper[] = [
  ['an SQS message', 'body', ({ eventSource }) => eventSource === 'aws:sqs'],
  ['an SQS message', 'Body', has('ReceiptHandle', 'Body')],
  ['an SNS notification', 'Sns.Message', ({ EventSource }) => EventSource === 'aws:sns'],
  ['an SNS notification', 'Message', has('TopicArn', 'Message')],
  ['a Kinesis record', 'kinesis.data', has('kinesis')],
  ['a Kinesis record', 'Data', has('Data')],
  ['an EventBridge event', 'detail', has('detail-type', 'detail')],
  ['a CloudWatch Logs subscription', 'awslogs.data', has('awslogs')],
  ['a CloudWatch Logs event', 'message', has('timestamp', 'message', 'id')],
  ['a Firehose failure', 'rawData', has('rawData')],
  ['an API Gateway request', 'body', has('requestContext', 'body')],
  ['a Pub/Sub message', 'message.data', has('subscription', 'message')],
  ['an Elasticsearch hit', '_source', has('_source')],
  ['a HAR file', 'log.entries[].request.postData.text', ({ log }) => isObject(log) && 'entries' in log],
  ['a Docker log line', 'log', has('log', 'stream')],
]
/** Where one would look for an event, in any other. */
const FIELDS = [
  'body',
  'Body',
  'Message',
  'message',
  'content',
  'text',
  'payload',
  'rawData',
  'value',
  'log',
  'detail',
  'data',
]

/** `undefined`: it is nothing that holds something else. */
export function toWrapper(record: unknown): string | undefined {
  if (!isObject(record)) return undefined
  const known = wrappers.find(([, , isLike]) => isLike(record))
  if (known) return `${known[0]} with a field ${known[1]}`
  // An event that lacks something is judged as what it is.
  if ('type' in record && 'source' in record) return undefined
  const field = FIELDS.find(name => name in record)
  return field === undefined ? undefined : `an object with a field ${field}`
}

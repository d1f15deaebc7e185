/**
 * MongoDB's wire protocol: splits the byte stream into messages, reads requests and builds
 * replies. Source: "MongoDB Wire Protocol" in MongoDB's manual.
 */
import { fail, refuseUnsupported } from './errors.ts';
import { checkBatchSize, maxWriteBatchSize } from './fields.ts';
import type { Doc } from './values.ts';
import { decode, encode, maxDocumentBytes } from './values.ts';

const headerBytes = 16;

/** The maximum size of a message, in bytes, as mongod's `maxMessageSizeBytes`. */
export const maxMessageBytes = 48_000_000;

/** A command may be a little larger than the largest document it carries. */
const maxCommandBytes = maxDocumentBytes + 16 * 1024;

const opReply = 1;
const opQuery = 2004;
const opMsg = 2013;

const checksumPresent = 1;
const moreToCome = 2;
const requiredFlags = 0xffff;

/** The bytes aren't a message: the rest of the connection can't be understood. */
export class FramingError extends Error {}

/** Buffers a socket's data until a message is complete. */
export class MessageReader {
  #chunks: Buffer[] = [];
  #length = 0;
  #wanted = headerBytes;

  /** Takes a chunk of data and yields every message it completes. Throws FramingError. */
  * push(chunk: Buffer): Generator<Buffer, void> {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    while (this.#length >= this.#wanted) {
      const [first = chunk, ...others] = this.#chunks;
      const bytes = others.length === 0 ? first : Buffer.concat(this.#chunks);
      const size = bytes.readInt32LE(0);
      if (size < headerBytes || size > maxMessageBytes) {
        throw new FramingError(`a message of ${size} bytes`);
      }
      const isWhole = bytes.length >= size;
      const rest = isWhole ? bytes.subarray(size) : bytes;
      this.#chunks = rest.length === 0 ? [] : [rest];
      this.#length = rest.length;
      this.#wanted = isWhole ? headerBytes : size;
      if (isWhole) yield bytes.subarray(0, size);
    }
  }
}

/** A client's request, and how to reply to it. */
export interface Request {
  /** Reads the command. Throws CommandError if it can't be read. */
  read(): Doc;
  /** The reply's bytes; `undefined` if the client wants none (an unacknowledged write). */
  reply(reply: Record<string, unknown>): Buffer | undefined;
}

/** Converts a message to a request. Throws FramingError for opcodes that mongod doesn't speak. */
export function toRequest(bytes: Buffer): Request {
  const [requestId, opCode] = [bytes.readInt32LE(4), bytes.readInt32LE(12)];
  if (opCode === opMsg && bytes.length >= headerBytes + 4) {
    const flags = bytes.readUInt32LE(headerBytes);
    return {
      read: () => readOpMsg(bytes, flags),
      reply: (reply) => (flags & moreToCome) === 0 ? encodeOpMsg(requestId, reply) : undefined,
    };
  }
  if (opCode === opQuery) {
    return { read: () => readOpQuery(bytes), reply: (reply) => encodeOpReply(requestId, reply) };
  }
  throw new FramingError(`a message with opcode ${opCode}`);
}

function readOpMsg(bytes: Buffer, flags: number): Doc {
  if ((flags & checksumPresent) !== 0) refuseUnsupported('A message with a checksum');
  if ((flags & requiredFlags & ~moreToCome) !== 0) {
    fail('IllegalOpMsgFlag', `Message contains illegal flags value: ${flags}`);
  }
  const end = bytes.length;
  let body: Doc | undefined;
  const sequences = new Map<string, Doc[]>();
  let offset = headerBytes + 4;
  while (offset < end) {
    const kind = bytes.readUInt8(offset);
    offset += 1;
    if (kind === 0) {
      if (body !== undefined) fail(40430, 'Multiple body sections in message');
      const document = cutDocument(bytes, offset, end);
      body = decode(document);
      offset += document.length;
    } else if (kind === 1) {
      const size = offset + 4 <= end ? bytes.readInt32LE(offset) : 0;
      if (size < 5 || offset + size > end) invalid('a document sequence of a wrong size');
      const { name, docs } = readSequence(bytes.subarray(offset + 4, offset + size));
      if (sequences.has(name)) fail(40431, `Duplicate document sequence: ${name}`);
      sequences.set(name, docs);
      offset += size;
    } else {
      fail(40432, `Unknown section kind ${kind}`);
    }
  }
  if (body === undefined) fail(40587, 'OP_MSG messages must have a body');
  const twice = [...sequences.keys()].find((name) => Object.hasOwn(body, name));
  if (twice !== undefined) fail(40433, `Duplicate field between body and sequence ${twice}`);
  return { ...body, ...Object.fromEntries(sequences) };
}

function readSequence(bytes: Buffer): { name: string; docs: Doc[] } {
  const nameEnd = bytes.indexOf(0);
  if (nameEnd < 0) invalid('a document sequence without a name');
  const docs: Doc[] = [];
  let offset = nameEnd + 1;
  while (offset < bytes.length) {
    const document = cutDocument(bytes, offset, bytes.length);
    docs.push(decode(document));
    if (docs.length > maxWriteBatchSize) checkBatchSize(docs.length);
    offset += document.length;
  }
  return { name: bytes.toString('utf8', 0, nameEnd), docs };
}

function cutDocument(bytes: Buffer, offset: number, end: number): Buffer {
  const size = offset + 5 <= end ? bytes.readInt32LE(offset) : 0;
  if (size > maxCommandBytes) {
    fail('BSONObjectTooLarge', `BSONObj size: ${size} is invalid. Size must be between 0 and `
    + `${maxCommandBytes}(16MB)`);
  }
  if (size < 5 || offset + size > end) invalid('a document of a wrong size');
  return bytes.subarray(offset, offset + size);
}

function invalid(what: string): never {
  fail('InvalidBSON', `The message contains ${what}`);
}

/** A driver's first message may be a `hello` in this legacy form; nothing else may. */
function readOpQuery(bytes: Buffer): Doc {
  const nameEnd = bytes.indexOf(0, headerBytes + 4);
  if (nameEnd < 0) invalid('a query without a collection name');
  const command = decode(cutDocument(bytes, nameEnd + 9, bytes.length));
  const [name = ''] = Object.keys(command);
  if (!['hello', 'isMaster', 'ismaster'].includes(name)) {
    fail('UnsupportedOpQueryCommand', `Unsupported OP_QUERY command: ${name}. The client driver `
    + 'may require an upgrade.');
  }
  return { ...command, $db: 'admin' };
}

function encodeOpMsg(responseTo: number, reply: Record<string, unknown>): Buffer {
  // Flags (none), then one section of kind 0: the reply.
  return frame(opMsg, responseTo, Buffer.alloc(5), encode(reply));
}

function encodeOpReply(responseTo: number, reply: Record<string, unknown>): Buffer {
  const fields = Buffer.alloc(20);
  fields.writeInt32LE(8, 0); // flags: AwaitCapable, as mongod always sends
  fields.writeInt32LE(1, 16); // numberReturned; cursor id and starting position stay 0
  return frame(opReply, responseTo, fields, encode(reply));
}

let lastRequestId = 0;

function frame(opCode: number, responseTo: number, ...parts: Uint8Array[]): Buffer {
  lastRequestId = (lastRequestId + 1) & 0x7fffffff;
  const header = Buffer.alloc(headerBytes);
  header.writeInt32LE(parts.reduce((sum, part) => sum + part.length, headerBytes), 0);
  header.writeInt32LE(lastRequestId, 4);
  header.writeInt32LE(responseTo, 8);
  header.writeInt32LE(opCode, 12);
  return Buffer.concat([header, ...parts]);
}

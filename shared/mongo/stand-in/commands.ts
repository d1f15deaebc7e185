/** Dispatches commands, after the checks they all share. */
import { adminCommands } from './admin.ts';
import type { Storage } from './collection.ts';
import { crudCommands } from './crud.ts';
import type { Cursors } from './cursors.ts';
import { fail, refuseUnknown, toCommandError } from './errors.ts';
import { genericFields, read } from './fields.ts';
import type { TtlMonitor } from './ttl.ts';
import type { Doc, Value } from './values.ts';
import { field, isNumeric, keyOf, toNumber } from './values.ts';
import { maxMilliseconds, startWork } from './work.ts';

/** A reply's fields; JavaScript values become BSON as in the driver. */
export type Reply = Record<string, unknown>;

/** What the commands of one server share. */
export interface ServerState {
  readonly storage: Storage;
  readonly cursors: Cursors;
  readonly ttl: TtlMonitor;
  /** The open connections. */
  readonly sockets: ReadonlySet<unknown>;
  readonly startedAt: Date;
}

/** What a command works with. */
export interface Context extends ServerState {
  readonly command: string;
  readonly database: string;
  readonly request: Doc;
  /** The client's session, if the command names one. */
  readonly session: string | undefined;
}

export type Command = (context: Context) => Reply;

const commands = new Map<string, Command>(Object.entries({ ...crudCommands, ...adminCommands }));

const adminOnly = ['getLog', 'setParameter', 'listDatabases'];

/** Commands that authenticate a client. The stand-in has no users. */
const authCommands = [
  'saslStart', 'saslContinue', 'authenticate', 'createUser', 'updateUser', 'dropUser',
];

/** The reply for an error. */
export function errorReply(error: unknown): Reply {
  const { code, codeName, message, details } = toCommandError(error);
  return { ok: 0, errmsg: message, code, codeName, ...details };
}

/** Runs one command. Throws CommandError. */
export function runCommand(request: Doc, state: ServerState): Reply {
  const [command = ''] = Object.keys(request);
  if (typeof request.$db !== 'string') fail(40571, 'OP_MSG requests require a $db argument');
  if (authCommands.includes(command)) {
    fail('AuthenticationFailed', 'The workshop\'s stand-in for MongoDB has no users and asks for '
    + 'no password. Leave the user name and the password out of the connection string.');
  }
  refuseTransaction(request, command);
  const { $db: database, ...generic } = read(genericFields, request, command);
  if (generic.apiVersion !== '1') fail('APIVersionError', 'API version must be "1"');
  checkConcerns(generic.readConcern?.level ?? 'local', generic.writeConcern?.w ?? 'majority');
  const run = commands.get(command);
  if (run === undefined) refuseUnknown('CommandNotFound', `no such command: '${command}'`);
  if (database !== 'admin' && adminOnly.includes(command)) {
    fail('Unauthorized', `${command} may only be run against the admin database.`);
  }
  const session = generic.lsid === undefined ? undefined : keyOf(field(generic.lsid, 'id'));
  startWork(Math.min(generic.maxTimeMS || maxMilliseconds, maxMilliseconds));
  return { ...run({ ...state, command, database, request, session }), ok: 1 };
}

function refuseTransaction(request: Doc, command: string): void {
  const parts = ['startTransaction', 'autocommit', 'txnNumber'];
  const isPart = parts.some((name) => Object.hasOwn(request, name));
  if (!isPart && !/^(commit|abort)Transaction$/.test(command)) return;
  fail('IllegalOperation', 'Transaction numbers are only allowed on a replica set member or '
  + 'mongos');
}

/** A single server can only confirm its own write (`w` 0, 1, 'majority') and show its own data. */
function checkConcerns(level: string, w: Value): void {
  if (!['local', 'available', 'majority'].includes(level)) {
    const error = ['snapshot', 'linearizable'].includes(level) ? 'NotAReplicaSet' : 'BadValue';
    fail(error, `read concern '${level}' is unknown or needs a replica set`);
  }
  if (w === 'majority' || (isNumeric(w) && [0, 1].includes(toNumber(w)))) return;
  fail('BadValue', 'cannot use \'w\' > 1 or a tag when a host is not replicated');
}

/** Which command does what: the checks all commands share, and the way to the one asked for. */
import { adminCommands } from './admin.ts';
import type { Storage } from './collection.ts';
import { crudCommands } from './crud.ts';
import type { Cursors } from './cursors.ts';
import { CommandError, notImplemented, toCommandError } from './errors.ts';
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
  readonly stats: {
    readonly startedAt: Date;
    /** Open connections. */
    current: number;
    /** Connections since the start. */
    totalCreated: number;
    requests: number;
  };
}

/** Where a command came from. */
export interface Origin { readonly connectionId: number; readonly address: string }

/** What a command has to work with. */
export interface Context extends ServerState, Origin {
  readonly command: string;
  readonly database: string;
  readonly request: Doc;
  /** The client's session, if the command names one. */
  readonly session: string | undefined;
}

export interface Command {
  readonly adminOnly?: true;
  readonly run: (context: Context) => Reply;
}

const commands = new Map<string, Command>(Object.entries({ ...crudCommands, ...adminCommands }));

/** Commands with which a client proves who it is. The stand-in has no users. */
const authCommands = new Set([
  'saslStart', 'saslContinue', 'authenticate', 'createUser', 'updateUser', 'dropUser',
]);

/** Runs one command. Never throws: an error becomes the reply mongod would give. */
export function runCommand(request: Doc, state: ServerState, origin: Origin): Reply {
  try {
    return { ...dispatch(request, state, origin), ok: 1 };
  } catch (error) {
    return errorReply(error);
  }
}

/** The reply for an error. */
export function errorReply(error: unknown): Reply {
  const { code, codeName, message, details } = toCommandError(error);
  return { ok: 0, errmsg: message, code, codeName, ...details };
}

function dispatch(request: Doc, state: ServerState, origin: Origin): Reply {
  state.stats.requests += 1;
  const [command = ''] = Object.keys(request);
  if (typeof field(request, '$db') !== 'string') {
    throw new CommandError(40571, 'OP_MSG requests require a $db argument');
  }
  if (authCommands.has(command)) {
    throw new CommandError('AuthenticationFailed', 'The workshop\'s stand-in for MongoDB has no '
      + 'users and asks for no password. Leave the user name and the password out of the '
      + 'connection string.');
  }
  refuseTransaction(request, command);
  const { $db: database, ...generic } = read(genericFields, request, command);
  if (generic.apiVersion !== undefined && generic.apiVersion !== '1') {
    throw new CommandError('APIVersionError', 'API version must be "1"');
  }
  if (generic.apiStrict) {
    throw new CommandError('APIStrictError', 'The workshop\'s stand-in for MongoDB cannot tell '
      + 'which commands are in the Stable API: leave `strict` out of `serverApi`.');
  }
  checkReadLevel(generic.readConcern?.level ?? 'local');
  checkWriteConcern(generic.writeConcern?.w ?? 'majority');
  const found = commands.get(command);
  if (found === undefined) {
    if (command === 'explain') {
      throw notImplemented('explain, which tells how a query planner uses indexes,');
    }
    throw new CommandError('CommandNotFound', `no such command: '${command}' (the workshop's `
      + 'stand-in for MongoDB knows only part of MongoDB\'s commands; set MONGO_URL to a real '
      + 'MongoDB to use the others)');
  }
  if (found.adminOnly === true && database !== 'admin') {
    throw new CommandError(
      'Unauthorized', `${command} may only be run against the admin database.`,
    );
  }
  const session = generic.lsid === undefined ? undefined : keyOf(field(generic.lsid, 'id'));
  startWork(Math.min(generic.maxTimeMS || maxMilliseconds, maxMilliseconds));
  return found.run({ ...state, ...origin, command, database, request, session });
}

function refuseTransaction(request: Doc, command: string): void {
  const inTransaction = ['startTransaction', 'autocommit', 'txnNumber'].some((name) =>
    Object.hasOwn(request, name));
  if (inTransaction || command === 'commitTransaction' || command === 'abortTransaction') {
    throw new CommandError('IllegalOperation', 'Transaction numbers are only allowed on a replica '
      + 'set member or mongos');
  }
}

function checkReadLevel(level: string): void {
  if (level === 'snapshot' || level === 'linearizable') {
    throw new CommandError('NotAReplicaSet', 'node needs to be a replica set member to use read '
      + `concern '${level}'`);
  }
  if (level !== 'local' && level !== 'available' && level !== 'majority') {
    throw new CommandError('BadValue', `Enumeration value '${level}' for field `
      + '\'readConcern.level\' is not a valid value.');
  }
}

/** One server can confirm its own write (`w` 0, 1, 'majority'), and no other server's. */
function checkWriteConcern(w: Value): void {
  if (isNumeric(w)) {
    if (toNumber(w) > 1) {
      throw new CommandError('BadValue', 'cannot use \'w\' > 1 when a host is not replicated');
    }
    if (toNumber(w) < 0) {
      throw new CommandError('FailedToParse', 'w has to be a non-negative number');
    }
  } else if (w !== 'majority') {
    throw new CommandError('BadValue', 'cannot use non-majority \'w\' mode when a host is not a '
      + 'member of a replica set');
  }
}

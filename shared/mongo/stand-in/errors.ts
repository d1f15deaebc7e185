/**
 * The MongoDB error names and codes that the stand-in uses.
 * Source: src/mongo/base/error_codes.yml in MongoDB's repository.
 */
const errorCodes = {
  InternalError: 1, BadValue: 2, FailedToParse: 9, Unauthorized: 13, TypeMismatch: 14, Overflow: 15,
  InvalidLength: 16, AuthenticationFailed: 18, IllegalOperation: 20, InvalidBSON: 22,
  NamespaceNotFound: 26, IndexNotFound: 27, PathNotViable: 28, ConflictingUpdateOperators: 40,
  CursorNotFound: 43, MaxTimeMSExpired: 50, DollarPrefixedFieldName: 52, InvalidIdField: 53,
  NotSingleValueField: 54, EmptyFieldName: 56, CommandNotFound: 59, ImmutableField: 66,
  CannotCreateIndex: 67, InvalidOptions: 72, InvalidNamespace: 73, IndexOptionsConflict: 85,
  IndexKeySpecsConflict: 86, NotAReplicaSet: 123, ExceededMemoryLimit: 146,
  InvalidIndexSpecificationOption: 197, IllegalOpMsgFlag: 223, NotImplemented: 238,
  APIVersionError: 322, UnsupportedOpQueryCommand: 352,
  BSONObjectTooLarge: 10334, DuplicateKey: 11000, IDLFailedToParse: 40414, IDLUnknownField: 40415,
} as const;

export type ErrorName = keyof typeof errorCodes;

const errorNames = new Map<number, string>(
  Object.entries(errorCodes).map(([name, code]) => [code, name]),
);

/** An error reported to the client, with MongoDB's own code. */
export class CommandError extends Error {
  override name = 'CommandError';
  readonly code: number;

  /**
   * @param error MongoDB's name for the error, or its number if it has none ("Location…").
   * @param details More fields for the reply, such as a duplicate key's `keyPattern`.
   */
  constructor(
    error: ErrorName | number, message: string, readonly details: Record<string, unknown> = {},
  ) {
    super(message);
    this.code = typeof error === 'number' ? error : errorCodes[error];
  }

  /** The name that mongod reports beside the code. */
  get codeName(): string {
    return errorNames.get(this.code) ?? `Location${this.code}`;
  }
}

/** Throws a CommandError. */
export function fail(
  error: ErrorName | number, message: string, details?: Record<string, unknown>,
): never {
  throw new CommandError(error, message, details);
}

/** Refuses what mongod can do but the stand-in can't. */
export function refuseUnsupported(what: string): never {
  fail('NotImplemented', `${what} is beyond the workshop's stand-in for MongoDB. `
  + 'Set MONGO_URL to a real MongoDB to use it.');
}

/** Refuses a name that mongod may know, with mongod's error for one that it doesn't know. */
export function refuseUnknown(error: ErrorName | number, message: string): never {
  fail(error, `${message} (the workshop's stand-in for MongoDB knows only part of MongoDB; `
  + 'set MONGO_URL to a real MongoDB to use all of it)');
}

/** Converts anything thrown to an error for the client. */
export function toCommandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  if (error instanceof RangeError && error.message.includes('call stack')) {
    return new CommandError('Overflow', 'BSONObj exceeds maximum nested object depth');
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new CommandError('InternalError', `The stand-in for MongoDB failed: ${reason}`);
}

/** A command's fields, checked: unknown ones are refused as mongod refuses them. */
import { Long } from 'bson';

import { CommandError, notImplemented } from './errors.ts';
import type { Doc, TypeName, Value } from './values.ts';
import { field, isDoc, isNumeric, isTruthy, toNumber, typeOf } from './values.ts';

/** Fields a driver may send with any command. */
const genericFields = new Set([
  '$db', '$readPreference', '$clusterTime', '$audit', 'lsid', 'txnNumber', 'autocommit',
  'startTransaction', 'readConcern', 'writeConcern', 'maxTimeMS', 'comment', 'apiVersion',
  'apiStrict', 'apiDeprecationErrors',
]);

export class Args {
  readonly doc: Doc;
  readonly #name: string;

  /** @param name What error messages call it, such as `find` or `update.updates`. */
  constructor(name: string, doc: Doc) {
    this.#name = name;
    this.doc = doc;
  }

  /**
   * Refuses every field that is not listed.
   *
   * @param known Fields that are obeyed, or make no difference here.
   * @param refused Fields of mongod's that would change the answer; fine when false or empty.
   */
  check(known: readonly string[], refused: readonly string[] = []): void {
    for (const [name, value] of Object.entries(this.doc)) {
      if (known.includes(name)) continue;
      if (refused.includes(name)) {
        const empty = !isTruthy(value) || (isDoc(value) && Object.keys(value).length === 0)
          || (Array.isArray(value) && value.length === 0);
        if (!empty) throw notImplemented(`The option '${name}' of ${this.#name}`);
      } else if (!genericFields.has(name)) {
        throw new CommandError(
          'IDLUnknownField', `BSON field '${this.#name}.${name}' is an unknown field.`,
        );
      }
    }
  }

  value(name: string): Value | undefined {
    return field(this.doc, name);
  }

  has(name: string): boolean {
    return Object.hasOwn(this.doc, name);
  }

  object(name: string): Doc {
    const value = field(this.doc, name) ?? {};
    return isDoc(value) ? value : this.#wrongType(name, value, 'object');
  }

  array(name: string): Value[] {
    const value = this.#required(name);
    return Array.isArray(value) ? value : this.#wrongType(name, value, 'array');
  }

  /** An array of documents, each as Args of its own. */
  list(name: string): Args[] {
    return this.array(name).map((item, index) => isDoc(item)
      ? new Args(`${this.#name}.${name}`, item)
      : this.#wrongType(`${name}.${index}`, item, 'object'));
  }

  string(name: string): string {
    const value = this.#required(name);
    return typeof value === 'string' ? value : this.#wrongType(name, value, 'string');
  }

  long(name: string): Long {
    const value = this.#required(name);
    return value instanceof Long ? value : this.#wrongType(name, value, 'long');
  }

  boolean(name: string): boolean {
    const value = field(this.doc, name) ?? false;
    if (typeof value === 'boolean' || isNumeric(value)) return isTruthy(value);
    return this.#wrongType(name, value, 'bool');
  }

  number(name: string): number | undefined {
    const value = field(this.doc, name);
    if (value === undefined || value === null) return undefined;
    return isNumeric(value) ? toNumber(value) : this.#wrongType(name, value, 'long');
  }

  /** A whole number, zero or more. */
  count(name: string, otherwise: number): number {
    const number = Math.trunc(this.number(name) ?? otherwise);
    if (number >= 0) return number;
    throw new CommandError(51024, `BSON field '${name}' value must be >= 0, actual value `
      + `'${number}'`);
  }

  #required(name: string): Value {
    const value = field(this.doc, name);
    if (value !== undefined) return value;
    throw new CommandError('IDLFailedToParse',
      `BSON field '${this.#name}.${name}' is missing but a required field`);
  }

  #wrongType(name: string, value: Value, expected: TypeName): never {
    throw new CommandError('TypeMismatch', `BSON field '${this.#name}.${name}' is the wrong type `
      + `'${typeOf(value)}', expected type '${expected}'`);
  }
}

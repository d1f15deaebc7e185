import express, { type ErrorRequestHandler, type Request } from 'express';

/** Answers a form that can't be read (it's too large, say) with one line and no stack. */
const refuseBadForm: ErrorRequestHandler = (error, req, res, next) => {
  const { status = 500, message } = error as { status?: number; message: string };
  if (status < 500) res.status(status).type('text').send(message);
  else next(error);
};

/** Reads the forms that browsers send. `field()` gives you what's in them. */
export const readForms = [express.urlencoded(), refuseBadForm];

/** A field of the form, as a string: '' if it's missing, or isn't one string (a list, say). */
export function field(req: Request, name: string): string {
  const fields = req.body as Record<string, unknown> | undefined;
  const value = fields?.[name];
  return typeof value === 'string' ? value : '';
}

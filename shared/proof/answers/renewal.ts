import type { WrongAnswer } from './answer.ts';

/**
 * The solutions' new session at a login, for a patch to replace.
 * @param field the field of the session that the login is stored in
 */
export const renewal = (field: 'user' | 'login') => `
-    req.session.regenerate((error) => {
-      if (error) return next(error);
-      req.session.${field} = ${field};
-      req.session.save((error) => {
-        if (error) return next(error);
-        res.redirect(303, '/account');
-      });
-    });
`;

/** A later step's answer that breaks what step 5 promised. */
export const noRenewal = (field: 'user' | 'login'): WrongAnswer => ({
  name: 'no new session at a login any more',
  patch: { 'app.ts': `${renewal(field)}\
+    req.session.${field} = ${field};
+    req.session.save((error) => {
+      if (error) return next(error);
+      res.redirect(303, '/account');
+    });
` },
  caughtBy: "mallory plants a session in ada's browser and stays outside",
  reads: /\(since step 5\) .*The login went into a session that was already there/,
});

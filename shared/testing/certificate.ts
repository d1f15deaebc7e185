import { generateKeyPairSync, sign } from 'node:crypto';

/**
 * Makes an anonymous, self-signed certificate for a browser that doesn't verify it, in X.509
 * version 1 (RFC 5280), which has no extensions.
 * @returns a key and a certificate for `https.createServer()`
 */
export function makeCertificate(): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecdsaWithSha256 = sequence(Buffer.from('06082a8648ce3d040302', 'hex'));
  const nobody = sequence();
  const validity = sequence(utcTime('250101000000Z'), utcTime('491231235959Z'));
  const signed = sequence(
    der(0x02, Buffer.from([1])),
    ecdsaWithSha256,
    nobody,
    validity,
    nobody,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = Buffer.concat([Buffer.from([0]), sign('sha256', signed, privateKey)]);
  const certificate = sequence(signed, ecdsaWithSha256, der(0x03, signature));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: '-----BEGIN CERTIFICATE-----\n'
      + `${certificate.toString('base64').replaceAll(/.{64}/g, '$&\n')}\n`
      + '-----END CERTIFICATE-----\n',
  };
}

/** Encodes an ASN.1 value in DER: a tag, the length, the content. */
function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  // A one-byte length stands alone; a longer one is preceded by its number of bytes.
  const bytes = Buffer.from(length.toString(16).padStart(length > 0xff ? 4 : 2, '0'), 'hex');
  const size = length < 0x80 ? bytes : Buffer.from([0x80 + bytes.length, ...bytes]);
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function utcTime(text: string): Buffer {
  return der(0x17, Buffer.from(text));
}

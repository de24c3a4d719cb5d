// What @digitalbazaar/did-method-key makes of keys, and of our DIDs: node make.mjs > documents.json
// `ours.json` is made by make_ours.py. Both are run once, by hand; the test reads the files.
import {readFileSync} from 'node:fs';
import {driver} from '@digitalbazaar/did-method-key';
import * as EcdsaMultikey from '@digitalbazaar/ecdsa-multikey';
import * as Bls12381Multikey from '@digitalbazaar/bls12-381-multikey';
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import {Ed25519VerificationKey2020} from '@digitalbazaar/ed25519-verification-key-2020';
import {X25519KeyAgreementKey2020} from '@digitalbazaar/x25519-key-agreement-key-2020';

const multikey = driver();
multikey.use({multibaseMultikeyHeader: 'z6Mk', fromMultibase: Ed25519Multikey.from});
for(const header of ['zDna', 'z82L', 'z2J9']) {
  multikey.use({multibaseMultikeyHeader: header, fromMultibase: EcdsaMultikey.from});
}
multikey.use({multibaseMultikeyHeader: 'zUC7', fromMultibase: Bls12381Multikey.from});

const suite2020 = driver();
suite2020.use({multibaseMultikeyHeader: 'z6Mk', fromMultibase: Ed25519VerificationKey2020.from});
suite2020.use({multibaseMultikeyHeader: 'z6LS', fromMultibase: X25519KeyAgreementKey2020.from});

const seed = n => Uint8Array.from({length: 32}, (_, i) => (n + i) & 0xff);
const theirs = [];
for(let n = 1; n <= 5; n++) {
  const pair = await Ed25519Multikey.generate({seed: seed(n)});
  const {didDocument} = await multikey.fromKeyPair({verificationKeyPair: pair});
  const key2020 = await Ed25519VerificationKey2020.generate({seed: seed(n)});
  const agreeing = X25519KeyAgreementKey2020.fromEd25519VerificationKey2020({keyPair: key2020});
  theirs.push({
    algorithm: 'Ed25519', seed: Buffer.from(seed(n)).toString('hex'), didDocument,
    document2020: (await suite2020.fromKeyPair({
      verificationKeyPair: key2020, keyAgreementKeyPair: agreeing})).didDocument
  });
}
for(const curve of ['P-256', 'P-384', 'P-521']) {
  const pair = await EcdsaMultikey.generate({curve});
  const {didDocument} = await multikey.fromKeyPair({verificationKeyPair: pair});
  const {publicKeyJwk} = await pair.export({publicKey: true}).then(
    async () => ({publicKeyJwk: await EcdsaMultikey.toJwk({keyPair: pair})}));
  theirs.push({algorithm: curve, publicKeyJwk, didDocument});
}

const ours = [];
for(const {did} of JSON.parse(readFileSync(new URL('ours.json', import.meta.url)))) {
  try {
    ours.push({did, didDocument: await multikey.get({did})});
  } catch(error) {
    ours.push({did, error: error.message});
  }
}
process.stdout.write(JSON.stringify({theirs, ours}, null, 1) + '\n');

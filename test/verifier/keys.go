package main

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
)

// key checks signatures of one kind. Several keys may have one kid.
type key struct {
	alg    string
	verify func(signed, signature []byte) bool
}

type keyring map[string][]key

func (ring keyring) addFile(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var jwk struct{ Kty, Crv, Kid, X, K string }
	if err := json.Unmarshal(text, &jwk); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	switch {
	case jwk.Kty == "OKP" && jwk.Crv == "Ed25519":
		public, ok := fromBase64URL(jwk.X)
		if !ok || len(public) != ed25519.PublicKeySize {
			return fmt.Errorf("%s: x is no Ed25519 key", path)
		}
		thumb := fmt.Sprintf(`{"crv":"Ed25519","kty":"OKP","x":"%s"}`, jwk.X)
		ring.add(jwk.Kid, thumb, key{"EdDSA", func(signed, signature []byte) bool {
			return len(signature) == ed25519.SignatureSize && ed25519.Verify(public, signed, signature)
		}})
	case jwk.Kty == "oct":
		secret, ok := fromBase64URL(jwk.K)
		if !ok || len(secret) < 32 {
			return fmt.Errorf("%s: k is no secret of 32 bytes", path)
		}
		thumb := fmt.Sprintf(`{"k":"%s","kty":"oct"}`, jwk.K)
		ring.add(jwk.Kid, thumb, key{"HS256", func(signed, signature []byte) bool {
			mac := hmac.New(sha256.New, secret)
			mac.Write(signed)
			return hmac.Equal(mac.Sum(nil), signature)
		}})
	default:
		return fmt.Errorf("%s: is neither an Ed25519 key nor a secret", path)
	}
	return nil
}

func (ring keyring) add(kid, members string, given key) {
	if kid == "" {
		sum := sha256.Sum256([]byte(members))
		kid = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	ring[kid] = append(ring[kid], given)
}

// fromBase64URL refuses every spelling but the one: no padding, no line breaks, no spare bits.
func fromBase64URL(text string) ([]byte, bool) {
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	return decoded, err == nil && base64.RawURLEncoding.EncodeToString(decoded) == text
}

// readSigned checks everything that a line shows by itself. The second result says what is wrong, or is empty.
func readSigned(line []byte, ring keyring) (map[string]any, string) {
	object, fault := parseObject(line)
	if fault != "" {
		return nil, fault
	}
	form, err := canonical(object)
	if err != nil {
		return nil, err.Error()
	}
	if string(form) != string(line) {
		return nil, "is not in canonical form"
	}
	kid, fault := checkSignature(object, ring)
	if fault != "" {
		return nil, fault
	}
	object["signature"] = kid
	return object, ""
}

func checkSignature(object map[string]any, ring keyring) (string, string) {
	given, _ := object["signature"].(map[string]any)
	alg, isAlg := given["alg"].(string)
	kid, isKid := given["kid"].(string)
	value, isValue := given["value"].(string)
	if !isAlg || !isKid || !isValue || len(given) != 3 {
		return "", "signature is not {alg, kid, value}"
	}
	delete(object, "signature")
	signed, err := canonical(object)
	if err != nil {
		return "", err.Error()
	}
	named := ring[kid]
	if len(named) == 0 {
		return "", "names a key that was not given"
	}
	signature, ok := fromBase64URL(value)
	if !ok {
		return "", "signature is not canonical base64url"
	}
	for _, candidate := range named {
		if candidate.alg == alg && candidate.verify(signed, signature) {
			return kid, ""
		}
	}
	return "", "signature does not verify"
}

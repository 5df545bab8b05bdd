import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Both formats, written from docs/formats/container.md alone, on Java's own cryptography. One request a line:
 * "wire KEY IV HEX" answers with Base64, "open KEY HEX" with the hexadecimal plaintext or "refused".
 */
class Reference {
    static final int CHUNK = 65536;
    static final int TAG = 16;

    public static void main(String[] words) throws Exception {
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (String line; (line = lines.readLine()) != null; ) {
            String[] part = line.split(" ", -1);
            System.out.println(part[0].equals("wire") ? wire(part[1], part[2], part[3]) : answer(part[1], part[2]));
        }
    }

    static String wire(String key, String iv, String plain) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(
                Cipher.ENCRYPT_MODE,
                new SecretKeySpec(key.getBytes(StandardCharsets.UTF_8), "AES"),
                new GCMParameterSpec(128, iv.getBytes(StandardCharsets.UTF_8)));
        return Base64.getEncoder().encodeToString(cipher.doFinal(HexFormat.of().parseHex(plain)));
    }

    static String answer(String key, String container) {
        try {
            byte[] secret = key.getBytes(StandardCharsets.UTF_8);
            return HexFormat.of().formatHex(open(secret, HexFormat.of().parseHex(container)));
        } catch (GeneralSecurityException | RuntimeException refused) {
            return "refused";
        }
    }

    static byte[] open(byte[] secret, byte[] data) throws GeneralSecurityException {
        byte[] magic = {(byte) 0x89, 's', 'e', 'n', 's', 'e', 'i', 'd', '\r', '\n', 0x1a, '\n'};
        byte[] id = Arrays.copyOf(hmac(secret, "senseid key id v1".getBytes(StandardCharsets.US_ASCII)), 8);
        byte[] start = cut(data, 0, 53);
        check(Arrays.equals(cut(data, 0, 12), magic) && data[12] == 1 && Arrays.equals(cut(data, 13, 21), id));
        byte[] pseudorandom = hmac(cut(data, 21, 53), secret);
        byte[] headerKey = expand(pseudorandom, "senseid container v1 header");
        byte[] payloadKey = expand(pseudorandom, "senseid container v1 payload");
        check(Arrays.equals(hmac(headerKey, start), cut(data, 53, 85)));
        var plain = new ByteArrayOutputStream();
        int at = 85;
        for (long number = 0; ; number++) {
            int end = Math.min(at + CHUNK + TAG, data.length);
            boolean last = end == data.length;
            byte[] nonce = new byte[12];
            for (int i = 0; i < 8; i++) {
                nonce[10 - i] = (byte) (number >> (8 * i));
            }
            nonce[11] = (byte) (last ? 1 : 0);
            Cipher cipher = Cipher.getInstance("ChaCha20-Poly1305");
            cipher.init(Cipher.DECRYPT_MODE, new SecretKeySpec(payloadKey, "ChaCha20"), new IvParameterSpec(nonce));
            byte[] chunk = cipher.doFinal(cut(data, at, end));
            check(chunk.length > 0 || number == 0);
            plain.writeBytes(chunk);
            if (last) {
                return plain.toByteArray();
            }
            at = end;
        }
    }

    /** HKDF-Expand of RFC 5869 for one block, which is all that 32 bytes need. */
    static byte[] expand(byte[] pseudorandom, String label) throws GeneralSecurityException {
        byte[] info = Arrays.copyOf(label.getBytes(StandardCharsets.US_ASCII), label.length() + 1);
        info[label.length()] = 1;
        return hmac(pseudorandom, info);
    }

    static byte[] hmac(byte[] key, byte[] message) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(message);
    }

    static byte[] cut(byte[] data, int from, int to) {
        check(to <= data.length);
        return Arrays.copyOfRange(data, from, to);
    }

    static void check(boolean right) {
        if (!right) {
            throw new IllegalArgumentException();
        }
    }
}

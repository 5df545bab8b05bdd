import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.apache.http.HttpEntity;
import org.apache.http.NameValuePair;
import org.apache.http.client.config.RequestConfig;
import org.apache.http.client.entity.UrlEncodedFormEntity;
import org.apache.http.client.methods.CloseableHttpResponse;
import org.apache.http.client.methods.HttpGet;
import org.apache.http.client.methods.HttpPost;
import org.apache.http.client.methods.HttpUriRequest;
import org.apache.http.entity.ContentType;
import org.apache.http.entity.mime.MultipartEntityBuilder;
import org.apache.http.impl.client.CloseableHttpClient;
import org.apache.http.impl.client.HttpClients;
import org.apache.http.message.BasicNameValuePair;
import org.apache.http.util.EntityUtils;

/**
 * A client of the service with Apache HttpClient: every endpoint, photos and videos encrypted.
 *
 * <p>Run as a program it calls each of them once and prints a line a call: path, status, body, with tabs between them.
 * Key and IV come from PARAM_DECRYPT_KEY and PARAM_DECRYPT_IV, an API key from SENSEID_API_KEY.
 */
public final class SenseidClient implements AutoCloseable {
    private static final int TAG_BITS = 128;
    private static final int TIMEOUT_MILLIS = 120_000;

    /** What the service answered. */
    public record Answer(String path, int status, String body) {}

    private final URI service;
    private final SecretKey key;
    private final byte[] iv;
    private final String apiKey;
    private final CloseableHttpClient http;

    /**
     * A client of one service.
     *
     * @param service such as http://127.0.0.1:3000
     * @param key 32 characters: their bytes are the AES-256 key
     * @param iv 12 characters
     * @param apiKey for X-API-Key, or null
     */
    public SenseidClient(URI service, String key, String iv, String apiKey) {
        this.service = service;
        this.key = new SecretKeySpec(key.getBytes(StandardCharsets.UTF_8), "AES");
        this.iv = iv.getBytes(StandardCharsets.UTF_8);
        this.apiKey = apiKey;
        RequestConfig patience =
                RequestConfig.custom().setConnectTimeout(TIMEOUT_MILLIS).setSocketTimeout(TIMEOUT_MILLIS).build();
        http = HttpClients.custom().setDefaultRequestConfig(patience).build();
    }

    /** Base64 of ciphertext and tag. */
    public String encrypt(byte[] plain) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(Cipher.ENCRYPT_MODE, key, new GCMParameterSpec(TAG_BITS, iv));
        return Base64.getEncoder().encodeToString(cipher.doFinal(plain));
    }

    public Answer compare(Path first, Path second) throws IOException, GeneralSecurityException {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("first_encrypted_image", sealed(first));
        fields.put("second_encrypted_image", sealed(second));
        fields.put("auto_rotate", "true");
        fields.put("check_quality", "false");
        return postForm("/identity/image_verification/stateless", fields);
    }

    public Answer omni(Path first, Path second) throws IOException, GeneralSecurityException {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("first_encrypted_image", sealed(first));
        fields.put("second_encrypted_image", sealed(second));
        return postForm("/identity/multiface_image_omni_verification/stateless", fields);
    }

    public Answer quality(Path photo) throws IOException, GeneralSecurityException {
        return postForm("/quality/face/stateless", Map.of("encrypted_image", sealed(photo)));
    }

    public Answer liveness(Path video) throws IOException, GeneralSecurityException {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("encrypted_video", sealed(video));
        fields.put("return_image", "true");
        fields.put("return_face_image", "true");
        fields.put("return_status", "true");
        return postForm("/liveness/silent_detection/stateless", fields);
    }

    public Answer verify(Path video, Path photo) throws IOException, GeneralSecurityException {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("encrypted_video", sealed(video));
        fields.put("encrypted_image", sealed(photo));
        fields.put("return_status", "true");
        return postForm("/identity/silent_image_verification/stateless", fields);
    }

    /** Liveness data are encrypted already: they go as the file they are, and the photo beside them. */
    public Answer verifyLivenessData(Path livenessFile, Path photo) throws IOException, GeneralSecurityException {
        HttpEntity form = MultipartEntityBuilder.create()
                .addBinaryBody("liveness_file", livenessFile.toFile())
                .addTextBody("encrypted_image", sealed(photo), ContentType.TEXT_PLAIN)
                .addTextBody("auto_rotate", "true")
                .build();
        return post("/identity/liveness_image_verification/stateless", form);
    }

    public Answer health() throws IOException {
        return send("/healthcheck", new HttpGet(service.resolve("/healthcheck")));
    }

    @Override
    public void close() throws IOException {
        http.close();
    }

    private String sealed(Path media) throws IOException, GeneralSecurityException {
        return encrypt(Files.readAllBytes(media));
    }

    private Answer postForm(String path, Map<String, String> fields) throws IOException {
        List<NameValuePair> pairs = new ArrayList<>();
        fields.forEach((name, value) -> pairs.add(new BasicNameValuePair(name, value)));
        return post(path, new UrlEncodedFormEntity(pairs, StandardCharsets.UTF_8));
    }

    private Answer post(String path, HttpEntity form) throws IOException {
        HttpPost request = new HttpPost(service.resolve(path));
        request.setEntity(form);
        return send(path, request);
    }

    private Answer send(String path, HttpUriRequest request) throws IOException {
        if (apiKey != null) {
            request.setHeader("X-API-Key", apiKey);
        }
        try (CloseableHttpResponse response = http.execute(request)) {
            String body = EntityUtils.toString(response.getEntity(), StandardCharsets.UTF_8);
            return new Answer(path, response.getStatusLine().getStatusCode(), body);
        }
    }

    /** Arguments: address of the service, two photos, a video, liveness data. */
    public static void main(String[] arguments) throws IOException, GeneralSecurityException {
        if (arguments.length != 5) {
            System.err.println("usage: SenseidClient URL PHOTO PHOTO VIDEO LIVENESS_DATA");
            System.exit(2);
        }
        URI service = URI.create(arguments[0]);
        Path first = Path.of(arguments[1]);
        Path second = Path.of(arguments[2]);
        Path video = Path.of(arguments[3]);
        Path livenessData = Path.of(arguments[4]);
        Map<String, String> settings = System.getenv();
        String key = settings.get("PARAM_DECRYPT_KEY");
        String iv = settings.get("PARAM_DECRYPT_IV");
        try (SenseidClient client = new SenseidClient(service, key, iv, settings.get("SENSEID_API_KEY"))) {
            List<Answer> answers = List.of(
                    client.health(),
                    client.compare(first, second),
                    client.omni(first, second),
                    client.quality(first),
                    client.liveness(video),
                    client.verify(video, first),
                    client.verifyLivenessData(livenessData, first));
            for (Answer answer : answers) {
                System.out.println(answer.path() + "\t" + answer.status() + "\t" + answer.body());
            }
        }
    }
}

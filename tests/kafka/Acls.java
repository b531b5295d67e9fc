// Adds rights to a Kafka: lines of "principal operation kind name pattern" on standard input.
// java -cp 'jars/*' Acls.java host:port

import java.util.List;
import java.util.Map;
import java.util.Scanner;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

class Acls {
    public static void main(String[] arguments) throws Exception {
        List<AclBinding> bindings = new Scanner(System.in).useDelimiter("\n").tokens().map(Acls::binding).toList();
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", arguments[0]))) {
            admin.createAcls(bindings).all().get();
        }
    }

    private static AclBinding binding(String line) {
        String[] parts = line.split(" ");
        AclOperation operation = AclOperation.fromString(parts[1]);
        ResourceType type = ResourceType.fromString(parts[2]);
        return new AclBinding(
            new ResourcePattern(type, parts[3], PatternType.fromString(parts[4])),
            new AccessControlEntry(parts[0], "*", operation, AclPermissionType.ALLOW));
    }
}

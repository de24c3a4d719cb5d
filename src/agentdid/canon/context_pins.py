"""The contexts that the package carries, in the order of lists. Made by `tools.compile_contexts`."""

from __future__ import annotations

from typing import Final, NamedTuple


class Pin(NamedTuple):
    """One context.

    Attributes:
        url: What stands in `@context`.
        table: Our table of it, a file in `canon/tables`.
        sha256: The digest of the official file, hexadecimal.
        sha384: The same under SHA-384.
        table_sha256: The digest of the table.
    """

    url: str
    table: str
    sha256: str
    sha384: str
    table_sha256: str


PINS: Final = (
    Pin(
        "https://www.w3.org/ns/credentials/v2",
        "credentials-v2.json",
        "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734",
        "97f1eb8e5042356c805fdd61afa2c557663785e0794dcafa21e138fd38def18cb360133c221aa31d6896a6bf3e65b614",
        "ba697ee35b426dc63591bf6e50ef3490f2653f0ac02f71a87b5315c3463e075d",
    ),
    Pin(
        "https://www.w3.org/2018/credentials/v1",
        "credentials-v1.json",
        "ab4ddd9a531758807a79a5b450510d61ae8d147eab966cc9a200c07095b0cdcc",
        "82c3b3eab863754bbfd2b9f17d8d6db9f61169f301cbf0b05e1fc4beb5f5c51dd4d2e888c274f49c3fbb2408f61faed1",
        "cb1f5d56fa5aed6ff9e9dfb1216eb50c70e4f4981c6e041c21c8102dc44f7dd9",
    ),
    Pin(
        "https://www.w3.org/ns/did/v1.1",
        "did-v1.1.json",
        "ea216ecc1cb02cd39b693dba2250141e270ba0bf95890be107dd9a9e8e43de85",
        "327d924d4a48518eb5425e8a9430a3f20d9678bb1111cddbf0ff2a67b854ee485c2ef149dfcd4516dfc1af7e733bec18",
        "4193285bd821d6a7acf36a7941d02067b10f3ab44c09fc9430e328d98d74840b",
    ),
    Pin(
        "https://www.w3.org/ns/did/v1",
        "did-v1.json",
        "4f3eae5568c9c5f036a082088f9e192019ee06faa78973c87ff91d5421b88dad",
        "75f4decf8174a6f2d40c0ddbd8cdfb4300ead2466db4932259a483a6e11774932f15880786e1fbc16c4b399f9891b92b",
        "ff6e7c101504bebd97ffd41f95b2d6496b1cff0a000b28da291e83f197189baa",
    ),
    Pin(
        "https://www.w3.org/ns/cid/v1",
        "cid-v1.json",
        "ea216ecc1cb02cd39b693dba2250141e270ba0bf95890be107dd9a9e8e43de85",
        "327d924d4a48518eb5425e8a9430a3f20d9678bb1111cddbf0ff2a67b854ee485c2ef149dfcd4516dfc1af7e733bec18",
        "4193285bd821d6a7acf36a7941d02067b10f3ab44c09fc9430e328d98d74840b",
    ),
    Pin(
        "https://w3id.org/did-resolution/v1",
        "did-resolution-v1.json",
        "ab456c9361e7516727d9a7d4b3fde231ddab09fa07530ec37342a0c20d8d072a",
        "f2d5c70ab55a8ae1f4af07e9e2f3bc1e0d4416a2bd225a615a4d6d3b06c36cb0efcbf2c41786309eca84a4361d36595b",
        "3d0e217ade4631dfd2db7c5bb860c18257f6bb61ba98236d92960e5f35bf451b",
    ),
    Pin(
        "https://identity.foundation/.well-known/did-configuration/v1",
        "did-configuration-v1.json",
        "a72455e2a489b997ec3a3e1fdcd8950591be86b1500c80ccf2c99b374a7acaf1",
        "236df40ff6eb8b74517e01a4de9e940bad5147bd9dbfe4f92357e446aee232ccad4a8dc2f6245b0f33e930ee3df7857c",
        "7a9d3eb6606c21cd7b2d1d25ccecb2b29ac34d8e2dd786b11c84a2b2a482d817",
    ),
    Pin(
        "https://w3id.org/zcap/v1",
        "zcap-v1.json",
        "4c0bd364bf3a5215779c0b636e14bcdf1d6818dae002bc7580237bcf8d2a72e0",
        "723b9c1d78badca9fb4f21149eb4e52c9cec95f01539b80b358ae0634653d35813d4631ed570e853f1325a3485c3e291",
        "3ff9e1b767fd4517a4c1902e0c2648bacd97a18ae3432fdc9699225d23c5dd71",
    ),
    Pin(
        "https://w3id.org/agentdid/v1",
        "agentdid-v1.json",
        "b4cb8423bf34d9fc5c984d1680728814b2c0f6207320924d8dc82ad72f45cbfd",
        "d8a4b63519e4c6e2da13a12d8d3f92f5bddd4bcff1760cfdce2637da056a047e2d3365cb3788178f8b52f8c431b6d4f0",
        "c9529d289310799bcfc202aca59a242d436d2f203dcf49dbac49ccda55cc7448",
    ),
    Pin(
        "https://w3id.org/citizenship/v1",
        "citizenship-v1.json",
        "9ffdc9e92801959e8f7416744aca720d06e0a4702dd83043c02c74700c161d93",
        "861d6640905ce78f1ba6ca4e3a11d1b8d6a325f5806f1cd89f0cb10f21ec7166c0bb8e0f18115267dde99aed65356917",
        "eda9649ded4ee1db88c518c917041c6a6a58c36986e0df8d043d78a993e0cc99",
    ),
    Pin(
        "https://w3id.org/citizenship/v2",
        "citizenship-v2.json",
        "4b50a8580f99ddb2df2ad94e93eee1725f6c185a34306e1c98f4d631b160a9fc",
        "bdb7c4fdd9e6ec63bc4e52b5986463874c7701f16eb43ec9ab99613ab6b4826d4dbedc661c185c446ad9709bd6276671",
        "1a513d2fe386e246219dc37378fb8374f7c835d48cf01c4a9267d2a4453852ba",
    ),
    Pin(
        "https://w3id.org/citizenship/v3",
        "citizenship-v3.json",
        "b8fa8872d5af1686f13c1d17a663a78334a93becba1407c41548f10b515ad7fa",
        "0742d6341804bfe2b4b7b21a16cfc9ece53594f9a7da16a846c946b1c833566d45120bd54f0c77fa530a5ac8bd4d9d9c",
        "4ee633d12f9e15eba6e7b3f6d4042d36246ffa4f6c458d782cb3dc931a87d792",
    ),
    Pin(
        "https://w3id.org/citizenship/v4rc1",
        "citizenship-v4rc1.json",
        "5038c7383afd7ab2158f1b997913a8f60978a0abcf96e0b0d08e29f146d2db1e",
        "694d11903ad55bee8551d5cffb32492110f23164ecf29ad828a64260963483cc9ede95ebb739bfd54cf772e5b2a21133",
        "3d7c10059c4061fd873dde1032069c1d5355d27a1a02eb3db2cf713072c81b30",
    ),
    Pin(
        "https://w3id.org/vdl/v1",
        "vdl-v1.json",
        "b069d7ad1fab36cdc811d6bfa46d8d897277635258b9b9ccb130e3ed76df28d6",
        "606072832f20325655b64a3a85a6ea5dd2fe335bceb2f8235316bc7f4d7058fb66e1d1f52ba7df9a53cde7e0d62eedb8",
        "d40ab2beaf319a194f0d28f52bcb5f3a70ceec41e0fa1057db425269ae6baf4a",
    ),
    Pin(
        "https://w3id.org/vdl/aamva/v1",
        "vdl-aamva-v1.json",
        "7a6060ae97a4b780d9b71af5a1bb2a5a3f9b7b189208544c375a89d7d28460eb",
        "585f49922b83e0d4cf5ed9179ecb8d7d98cfe8d2a3d0a2068f6e8eb29129fd90512af60823f02c11c094cbe5711cabab",
        "a44f5d5490b51da6acdf82cb7d4559d7097dcc4a2abb000c42c325bdeb245b51",
    ),
    Pin(
        "https://www.w3.org/2018/credentials/examples/v1",
        "credentials-examples-v1.json",
        "2070ae4e75bc3b4c2cfe2b8b6e86ec45119672bbb5da283f0399ea96c60a0104",
        "28011554bfae6f952a3bd28a921405b66c1a4d059e70d20cdb2424ca5f8a511a576960d56a70670be362633225122f28",
        "1ea357a63672dced4ae2dd06f0ff8daffcc45f1f2ac7aafef61298cfc07dc488",
    ),
    Pin(
        "https://www.w3.org/ns/credentials/examples/v2",
        "credentials-examples-v2.json",
        "57393fbc69d6efb9b9b5dc9cb6b9880b0944360abfe2eaf459c9e58cf2279d7c",
        "ccd35b4135824944a2d1b6f3edd6ee6be45c10dbfb0ba16f966609d58f88ef6ec7b0f387773c042cc60ef4ccfaf0cdba",
        "7f1c6b65b55ac77650feedfc1b03857dc05b90514b8e8c8e3dc9b45aa3738916",
    ),
    Pin(
        "https://www.w3.org/ns/credentials/undefined-terms/v2",
        "credentials-undefined-terms-v2.json",
        "82dab514ba44eb18f5d1b0f638c5e140c6a556fbfb5089601bdc0fa5eb8b2581",
        "b2a66ccddba70ba67ad99c2ff52e60558df0063cea51c4ca886e25d9ea73cfabb878baf92dc2ad2bda26c31391850d68",
        "428d5c8da63df67dffb2b1c2d0c3bcdffde4849aeb8d1972c115966e23af5dd3",
    ),
    Pin(
        "https://www.w3.org/ns/credentials/status/v1",
        "credentials-status-v1.json",
        "fda5add353231e6a6884a46b12e6c75464281900cb348284d9c360f62381d9f7",
        "ac0ef813833ebd666b6170a61c5adacc6d7d2f5a040d16c2928e8414d4fa07f64d70313021e02bf4f97bdd123ed9a84e",
        "da3d1f0d8bdcea58cf7ecd60efa8628036ba4b65d267ad77583a577ead94b4d9",
    ),
    Pin(
        "https://w3id.org/vc/status-list/2021/v1",
        "status-list-2021-v1.json",
        "6dd06a52bedb771e059c1083ba8ba7848dce22f6b4a8cfa0b98ba3fc188870e4",
        "39cf407ecaeb587a59e2e367384219d14e52d5997624ce61bbc9af4a7e4e3f6205e5d100b4c4e6fd1e19bc37046c5194",
        "c684b87265f5f99ff2ad83243bd435409580b90cb982e9098e59020914e9f70b",
    ),
    Pin(
        "https://w3id.org/security/multikey/v1",
        "multikey-v1.json",
        "ba2c182de2d92f7e47184bcca8fcf0beaee6d3986c527bf664c195bbc7c58597",
        "0fa51641d12fb8c701b2e6a9492556f25d32bb4af84a96f11808f0a623b972434dd18a8f1f1865bc68d8ee046c4e5a3e",
        "16a3677f98046297873f4e3e3968beceb300b621b952bf501b5c0b67fa70123d",
    ),
    Pin(
        "https://w3id.org/security/jwk/v1",
        "jwk-v1.json",
        "0f14b62f6071aafe00df265770ea0c7508e118247d79b7d861a406d2aa00bece",
        "762dc55ce79f361e3bbeb7d3cb0ddb3e44b8e2885261f8283183959d1aaa33904af6a8005059ed9641500eab7d8ddae5",
        "986e1f69b752443bfd9f102b1764f0139ca685e77b604563dfd239457bc2474c",
    ),
    Pin(
        "https://w3id.org/security/suites/jws-2020/v1",
        "jws-2020-v1.json",
        "d648e05ddc6577827ca2bfd5e931f53e9ebc6e52a57a8da81df4ec8c46ffcd1e",
        "68ace96e5e688f4ed074ccf4dcd2952e12ae653510047fc0b067707600fa6e061b1ef3ecf15946d452ad4c9fd246173b",
        "1acfab8e361cd406a60b1ab0c8d28bae3faf26871c758737528468ebd777126c",
    ),
    Pin(
        "https://w3id.org/security/suites/ed25519-2020/v1",
        "ed25519-2020-v1.json",
        "b9e1ab971fd8bf2c7553e0c4a9438e0b9450afde1ea1ca5b2492368b9f549588",
        "098b18f472b842cfa7520364d4062aa3c97896c17a6a5ae72e6bfb509641e64eed96156b35f7771283dfd3a53ccd79d1",
        "ce278eb73141da3ac515a2138f4f8a5209640d4bcc4140ca5294534d170a43ea",
    ),
    Pin(
        "https://w3id.org/security/suites/x25519-2020/v1",
        "x25519-2020-v1.json",
        "b234f84fe7cebb0efef37cad82667eeacb6d414f6c51ac37f5dc803a4a0c728a",
        "c477231290b58da30743bff81b120745521f1735b572f6a1c9811fe2f132dc21a9767739c84e6e5149cd1fad6bd441e2",
        "748feac3610025caf11b84101152647b9559084390ebbc2a2877dc4ae1415ba2",
    ),
    Pin(
        "https://w3id.org/security/bbs/v1",
        "bbs-v1.json",
        "65f03b15242ee97861039faec7a73297da4dd6880257fe4fd18edf1fc363a58d",
        "3ee9f1ae0788ed19c45f054a8c578b5bd4ab55c8c2f39ee08584c356c63d59c2852626f0210f6da8b4aa45797fa6a2c0",
        "9c5747cd0509099a8c368f4ef277106c8da059e24abe2ad829f68750f87be3aa",
    ),
    Pin(
        "https://w3id.org/webkms/v1",
        "webkms-v1.json",
        "cd76a7fc7e025b6581959a46842d0955493e37886dce31945aee7cb9b44477e0",
        "06e31d65a64240408df86460964e6cd82f13ea93035afe3320b08675bcc0be6f9e4abf617be319430ae52931c3419072",
        "7bf5864620559e736bf0a607ea97c9340c3926c0bbd1a084f363ba936f0dfe4f",
    ),
    Pin(
        "https://w3id.org/security/data-integrity/v2",
        "data-integrity-v2.json",
        "67f21e6e33a6c14e5ccfd2fc7865f7474fb71a04af7e94136cb399dfac8ae8f4",
        "0ee2d7626717f8b07cd449b525d5e2b71fe27209fc99e53089e0169dd2944d793feea4526fc60bb9cca1cd96512391f6",
        "0a63e7c069bf858097ded0a67445feed59384eff7ae3a2c6e80ae2ae8510d33b",
    ),
    Pin(
        "https://w3id.org/security/data-integrity/v1",
        "data-integrity-v1.json",
        "b5d829bd09aa7c42abc6efa0c8ed7635313b5487f37ccfce3ecd149ca9418554",
        "1f7b51154c2cb596b804d3eedeabb7678c7ea4d36f5201496a681dbd868d5dc0cb90a8839f5142ccdc91fdb92c5adcf2",
        "152c004d23aa266b26bd94e0ce9d956f5e05ea6d710771b0230c920d07c8e50d",
    ),
    Pin(
        "https://w3id.org/security/v2",
        "security-v2.json",
        "611bd81151d5efe53ec9aed78f5a813e577287bc9451ee26d6879b1b8b46bc3b",
        "0389bcd5f3cca9ab75aaed6d240089759f0ccf1f38de5823421196e9ca38633dbbb0b394356a793060dc47dd847a2529",
        "00bd31327be958d7d49fe67566a3a1de4b09519df35c8a01a2b7737567f3f2cb",
    ),
    Pin(
        "https://w3id.org/security/v1",
        "security-v1.json",
        "abaf97e107d1925503c433dcaf3ffd2831697cacc1ed2a293e1bc8030d5bcb47",
        "5600a6491c9d259eb3fa605a471d096f51f8821f025e3ac4068743a3d01dc7b68787718620c6cfaca0a3e9c614d6d242",
        "ad8f50757539a7a9b5cb77184a76bd141796015cdc2d3b927d5677bf2e729636",
    ),
)

# Texts that published digests still name; they are recognized and never processed.
SUPERSEDED: Final = {
    "24a18c90e9856d526111f29376e302d970b2bd10182e33959995b0207d7043b9": "https://www.w3.org/ns/credentials/v2",
    "35239c36999d2155312091af194a1edb61634d6ad789a5e5b19f2aebdd762dd9d1dcaada40eda7ef921c6b8c0ae107a0": (
        "https://www.w3.org/ns/credentials/v2"
    ),
}
